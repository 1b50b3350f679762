#include "clinux.h"

static int count;
static char **values;

// The C library calls it before main, as it calls main. Swift's own CommandLine searches the stack for them, for which it opens
// files: without descriptors it finds none.
__attribute__((constructor)) static void keep(int argc, char **argv) {
  count = argc;
  values = argv;
}

int clinux_argument_count(void) { return count; }

char *clinux_argument(int index) { return values[index]; }
