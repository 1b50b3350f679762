#include "clinux.h"

static int count;
static char **values;

// The C library passes the arguments of main to constructors, too. Swift's CommandLine finds them by reading /proc, which
// fails if there are no free descriptors.
__attribute__((constructor)) static void keep(int argc, char **argv) {
  count = argc;
  values = argv;
}

int clinux_argument_count(void) { return count; }

char *clinux_argument(int index) { return values[index]; }
