// Sixteen messages at once, each in a lane of 32 bits of AVX-512 registers: FIPS 180-4, section 6.1.2, word by word,
// with sixteen words where it has one.
#include "CSHA1.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define WITH_AVX512 __attribute__((target("avx512f,avx512bw")))

/// Truth tables of the round functions for `vpternlogd`: choose, parity and majority of three words.
enum { CHOOSE = 0xca, PARITY = 0x96, MAJORITY = 0xe8 };

int mainline_sha1_has_lanes(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
}

/// From 16 registers with a block of one message each to 16 with one word of all messages each.
WITH_AVX512 static inline void transpose(__m512i r[16]) {
    __m512i t[16];
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
        r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
    }
    for (int i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
        r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
        r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
        r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
    }
}

/// The next word of the schedule, kept in a ring of 16.
WITH_AVX512 static inline __m512i schedule(__m512i w[16], int i) {
    __m512i three = _mm512_ternarylogic_epi32(w[(i + 13) & 15], w[(i + 8) & 15], w[(i + 2) & 15], PARITY);
    w[i & 15] = _mm512_rol_epi32(_mm512_xor_si512(three, w[i & 15]), 1);
    return w[i & 15];
}

#define ROUNDS(FROM, TO, FUNCTION, CONSTANT)                                             \
    _Pragma("unroll") for (int i = FROM; i < TO; i++) {                                  \
        __m512i word = i < 16 ? w[i] : schedule(w, i);                                   \
        e = _mm512_add_epi32(e, _mm512_add_epi32(word, _mm512_set1_epi32(CONSTANT)));    \
        e = _mm512_add_epi32(e, _mm512_ternarylogic_epi32(b, c, d, FUNCTION));           \
        e = _mm512_add_epi32(e, _mm512_rol_epi32(a, 5));                                 \
        b = _mm512_rol_epi32(b, 30);                                                     \
        __m512i last = e;                                                                \
        e = d, d = c, c = b, b = a, a = last;                                            \
    }

WITH_AVX512 void mainline_sha1_blocks_x16(
    uint32_t state[5 * MAINLINE_SHA1_LANES], const uint8_t *const data[MAINLINE_SHA1_LANES], size_t blocks) {
    const __m512i big_endian = _mm512_set4_epi32(0x0c0d0e0f, 0x08090a0b, 0x04050607, 0x00010203);
    __m512i h0 = _mm512_loadu_si512(state), h1 = _mm512_loadu_si512(state + 16), h2 = _mm512_loadu_si512(state + 32),
            h3 = _mm512_loadu_si512(state + 48), h4 = _mm512_loadu_si512(state + 64);
    for (size_t block = 0; block < blocks; block++) {
        __m512i w[16];
        for (int lane = 0; lane < 16; lane++) w[lane] = _mm512_loadu_si512(data[lane] + block * 64);
        transpose(w);
        for (int i = 0; i < 16; i++) w[i] = _mm512_shuffle_epi8(w[i], big_endian);
        __m512i a = h0, b = h1, c = h2, d = h3, e = h4;
        ROUNDS(0, 20, CHOOSE, 0x5a827999)
        ROUNDS(20, 40, PARITY, 0x6ed9eba1)
        ROUNDS(40, 60, MAJORITY, (int)0x8f1bbcdc)
        ROUNDS(60, 80, PARITY, (int)0xca62c1d6)
        h0 = _mm512_add_epi32(h0, a);
        h1 = _mm512_add_epi32(h1, b);
        h2 = _mm512_add_epi32(h2, c);
        h3 = _mm512_add_epi32(h3, d);
        h4 = _mm512_add_epi32(h4, e);
    }
    _mm512_storeu_si512(state, h0);
    _mm512_storeu_si512(state + 16, h1);
    _mm512_storeu_si512(state + 32, h2);
    _mm512_storeu_si512(state + 48, h3);
    _mm512_storeu_si512(state + 64, h4);
}

#else

int mainline_sha1_has_lanes(void) { return 0; }

void mainline_sha1_blocks_x16(
    uint32_t state[5 * MAINLINE_SHA1_LANES], const uint8_t *const data[MAINLINE_SHA1_LANES], size_t blocks) {
    for (int lane = 0; lane < MAINLINE_SHA1_LANES; lane++) {
        uint32_t words[5];
        for (int i = 0; i < 5; i++) words[i] = state[16 * i + lane];
        mainline_sha1_blocks(words, data[lane], blocks);
        for (int i = 0; i < 5; i++) state[16 * i + lane] = words[i];
    }
}

#endif
