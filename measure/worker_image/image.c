/* The bytes of the worker's program (measure/carried.h). WORKER_IMAGE is its path. */
__asm__(".section .rodata\n"
        ".balign 64\n"
        ".globl worker_image\n"
        ".hidden worker_image\n"
        "worker_image:\n"
        ".incbin \"" WORKER_IMAGE "\"\n"
        ".globl worker_image_end\n"
        ".hidden worker_image_end\n"
        "worker_image_end:\n"
        ".byte 0\n"
        ".previous\n");
