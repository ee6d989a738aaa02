/* dltune-bench-worker: holds one contest and ends; bench/bench.h starts it. */
#include "bench/worker/serve.h"

int main(void) {
    return serve();
}
