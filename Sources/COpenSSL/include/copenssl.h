#ifndef COPENSSL_H
#define COPENSSL_H

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

// What OpenSSL has as macros only.
static inline int copenssl_set_min_tls12(SSL_CTX *context) {
  return (int)SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
}

static inline void copenssl_forbid_renegotiation(SSL_CTX *context) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
}

static inline int copenssl_set_server_name(SSL *ssl, const char *name) {
  return (int)SSL_set_tlsext_host_name(ssl, name);
}

// The name at that place as it is encoded, and its kind (GEN_DNS, GEN_IPADD, ...); strings of ASN.1 are opaque in some
// versions only.
static inline const unsigned char *copenssl_name(const GENERAL_NAMES *names, int index, int *kind, int *length) {
  const ASN1_STRING *value = (const ASN1_STRING *)GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, index), kind);
  if (*kind != GEN_DNS && *kind != GEN_IPADD) return NULL;
  *length = ASN1_STRING_length(value);
  return ASN1_STRING_get0_data(value);
}

// Readies the library; to be called before anything else of it. 1 if that worked.
int copenssl_start(void);

#endif
