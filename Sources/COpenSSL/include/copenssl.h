#ifndef COPENSSL_H
#define COPENSSL_H

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

// These functions wrap macros of OpenSSL, which Swift cannot call.
static inline int copenssl_set_min_tls12(SSL_CTX *context) {
  return (int)SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
}

static inline void copenssl_forbid_renegotiation(SSL_CTX *context) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
}

static inline int copenssl_set_server_name(SSL *ssl, const char *name) {
  return (int)SSL_set_tlsext_host_name(ssl, name);
}

// The encoded value and the kind (GEN_DNS, GEN_IPADD, ...) of the name at an index. NULL for other kinds than these two. It
// is written in C because Swift imports ASN1_STRING as an opaque type in some versions of OpenSSL only.
static inline const unsigned char *copenssl_name(const GENERAL_NAMES *names, int index, int *kind, int *length) {
  const ASN1_STRING *value = (const ASN1_STRING *)GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, index), kind);
  if (*kind != GEN_DNS && *kind != GEN_IPADD) return NULL;
  *length = ASN1_STRING_length(value);
  return ASN1_STRING_get0_data(value);
}

// Initializes the library. Must be called before any other function of it. Returns 1 on success.
int copenssl_start(void);

#endif
