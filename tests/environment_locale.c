/* Linked into every test program: it takes the locale that the environment names, as many programs
 * do that use the library. So the tests can be run as in a country where 0.5 is written 0,5. */
#include <locale.h>

__attribute__((constructor)) static void take_locale(void) {
    setlocale(LC_ALL, "");
}
