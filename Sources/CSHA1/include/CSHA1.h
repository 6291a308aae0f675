#ifndef CSHA1_H
#define CSHA1_H

#include <stddef.h>
#include <stdint.h>

/// Messages that `mainline_sha1_blocks_x16` advances at once; the length of its arrays.
#define MAINLINE_SHA1_LANES 16

/// Whether this processor can run `mainline_sha1_blocks_x16`: it needs AVX-512 F and BW.
int mainline_sha1_has_lanes(void);

/// Feeds whole blocks of 64 bytes of one message to its state, the five words of FIPS 180-4.
void mainline_sha1_blocks(uint32_t state[5], const uint8_t *data, size_t blocks);

/// Feeds as many blocks to each of 16 messages; `state[16 * i + lane]` is word i of a lane.
///
/// It takes about as long as four single messages, whatever the number of lanes that matter.
void mainline_sha1_blocks_x16(
    uint32_t state[5 * MAINLINE_SHA1_LANES], const uint8_t *const data[MAINLINE_SHA1_LANES], size_t blocks);

#endif
