#!/usr/bin/env bash
# libtcc 0.9.27+git20200814 (Debian 12) reads decimal constants in the locale of the program that
# calls it: after setlocale to one with a decimal comma `1.5` is 1, without a message, while the
# hexadecimal `0x1.8p0` is 1.5. C has one spelling of constants, whatever the locale.
#
# Unpacks both packages in a temporary folder; needs apt, gcc and libc6-dev. Fails if the behaviour is
# another.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for package in libtcc-dev=0.9.27+git20200814.62c30a4a-1 locales=2.36-9+deb12u14; do
    apt-get -q download "$package" >/dev/null 2>&1 || { echo "$package cannot be downloaded"; exit 1; }
done
for file in ./*.deb; do dpkg-deb -x "$file" root; done
I18NPATH=$PWD/root/usr/share/i18n localedef -i de_DE -f UTF-8 ./de_DE.UTF-8
cat >program.c <<'END'
#include <libtcc.h>
#include <locale.h>
#include <stdio.h>

static void say(void *context, const char *message) {
    (void)context;
    printf("message: %s\n", message);
}

static void run(const char *source) {
    TCCState *state = tcc_new();
    tcc_set_error_func(state, NULL, say);
    tcc_set_options(state, "-nostdlib");
    tcc_set_output_type(state, TCC_OUTPUT_MEMORY);
    if (tcc_compile_string(state, source) == 0 && tcc_relocate(state, TCC_RELOCATE_AUTO) >= 0) {
        double (*f)(void) = (double (*)(void))tcc_get_symbol(state, "f");
        printf("%s gives %d thousandths\n", source, (int)(1000 * f()));
    }
    tcc_delete(state);
}

int main(void) {
    if (!setlocale(LC_ALL, ""))
        return 2;
    run("double f(void) { return 1.5; }");
    run("double f(void) { return 0x1.8p0; }");
    return 0;
}
END
gcc -Iroot/usr/include program.c root/usr/lib/*/libtcc.a -ldl -lm -o program
ls ./*.deb
LC_ALL=C ./program >plain.txt
LC_ALL=de_DE.UTF-8 LOCPATH=$PWD ./program >comma.txt
echo "in the locale C:" && cat plain.txt
echo "in the locale de_DE.UTF-8:" && cat comma.txt
[ "$(grep -o '[0-9]* thousandths' plain.txt | xargs)" = "1500 thousandths 1500 thousandths" ]
[ "$(grep -o '[0-9]* thousandths' comma.txt | xargs)" = "1000 thousandths 1500 thousandths" ]
[ -z "$(grep message comma.txt)" ]
echo "as described"
