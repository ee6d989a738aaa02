/* dltune-worker: the process that compiles and runs candidates (measure/worker.h). */
#include "measure/native.h"
#include "measure/worker.h"

int main(int argument_count, char **arguments) {
    return worker_serve(argument_count, arguments, &native_maker);
}
