// One message: libcrypto's own loop, which uses the processor's SHA instructions. The context of EVP keeps its state
// to itself, and a message must be able to move to a lane and back; so this asks for the older interface.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "CSHA1.h"

#include <openssl/sha.h>

void mainline_sha1_blocks(uint32_t state[5], const uint8_t *data, size_t blocks) {
    SHA_CTX context;
    SHA1_Init(&context);
    context.h0 = state[0];
    context.h1 = state[1];
    context.h2 = state[2];
    context.h3 = state[3];
    context.h4 = state[4];
    SHA1_Update(&context, data, blocks * SHA_CBLOCK);
    state[0] = context.h0;
    state[1] = context.h1;
    state[2] = context.h2;
    state[3] = context.h3;
    state[4] = context.h4;
}
