#include "copenssl.h"

// libcrypto queries the processor's features in a constructor, before main. In a virtual machine these queries trap, and
// cost each start a millisecond even without TLS. The linker option --wrap redirects the call to this file, which delays
// it until TLS is needed.

void __real_OPENSSL_cpuid_setup(void);
void __wrap_OPENSSL_cpuid_setup(void);

static int is_started = 0;

void __wrap_OPENSSL_cpuid_setup(void) {
  if (is_started) __real_OPENSSL_cpuid_setup();
}

int copenssl_start(void) {
  is_started = 1;
  return OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}
