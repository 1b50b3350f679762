#include "copenssl.h"

// libcrypto asks the processor for its abilities before main, which traps in a virtual machine: a millisecond in every
// start, TLS or not. The linker (--wrap) makes that call come here instead, and only who wants TLS has it done.

void __real_OPENSSL_cpuid_setup(void);
void __wrap_OPENSSL_cpuid_setup(void);

static int is_wanted = 0;

void __wrap_OPENSSL_cpuid_setup(void) {
  if (is_wanted) __real_OPENSSL_cpuid_setup();
}

int copenssl_start(void) {
  is_wanted = 1;
  return OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}
