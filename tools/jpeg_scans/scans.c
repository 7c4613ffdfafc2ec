/* Entropy-coded scans of JPEG files (ITU-T T.81, Annexes F and G): Huffman-coded baseline and progressive.
 *
 * Compiled to WebAssembly by tools/jpeg_scans/build.py, so that the package runs it on every platform and a hostile
 * file can reach nothing but the memory of its own instance.  Python reads and writes all other segments
 * (src/proface_s/image/jpeg).  Coefficients are int16, blocks of 64 in natural order (row by row).
 */
typedef unsigned char u8;
typedef short i16;
typedef unsigned short u16;
typedef int i32;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef u64 __attribute__((may_alias, aligned(1))) Word;
typedef u32 __attribute__((may_alias, aligned(1))) HalfWord;

enum { OK = 0, TRUNCATED = -1, BAD_CODE = -2, BAD_RESTART = -3, BAD_COEFFICIENT = -4, BAD_TABLE = -5, NO_MEMORY = -6 };
enum { COMPONENTS = 4, TABLES = 4, LOOK = 10, MCU_BYTES = 32768, GROWTH = 1 << 22, REFINEMENTS = 1000 };

typedef struct {
    i16 *coefficients;   /* (rows, columns) blocks */
    i32 columns, rows;   /* whole MCUs */
    i32 h, v;            /* sampling factors */
    i32 width, height;   /* blocks of a scan of this component alone */
} Component;

typedef struct {
    i32 count, components[COMPONENTS], dc[COMPONENTS], ac[COMPONENTS];
    i32 first, last, high, low;  /* spectral selection, successive approximation */
    i32 restart, across, down;   /* MCUs between restart markers (0: none); MCUs of an interleaved scan */
    i32 progressive;
} Scan;

typedef struct { u8 bits[17], values[256]; } Table;

typedef struct {
    u16 look[1 << LOOK];  /* length << 8 | symbol; 0: longer than LOOK bits */
    i32 most[18], offset[17];
    const u8 *values;
    i32 known;
} Decoder;

typedef struct { u32 code[256]; u8 size[256]; u32 frequency[257]; } Encoder;

Component components[COMPONENTS];
Scan scan;
Table dc_tables[TABLES], ac_tables[TABLES];
static Decoder dc_decoders[TABLES], ac_decoders[TABLES];
static Encoder dc_encoders[TABLES], ac_encoders[TABLES];

static const u8 natural[64] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

static inline u64 has_ff(u64 word) { return ~word - 0x0101010101010101ull & word & 0x8080808080808080ull; }

/* Memory: a heap that only grows. */

extern u8 __heap_base;
static u32 heap_end = 0;

static i32 reserve(u32 end) {
    u32 have = (u32)__builtin_wasm_memory_size(0), need = (u32)(((u64)end + 65535) >> 16);
    return need <= have || __builtin_wasm_memory_grow(0, need - have) != (unsigned long)-1;
}

/* Return the address of so many zeroed bytes, or 0. */
u32 allocate(u32 bytes) {
    if (!heap_end) heap_end = ((u32)&__heap_base + 15) & ~15u;
    u32 at = heap_end;
    u64 end = ((u64)at + bytes + 15) & ~15ull;
    if (end > 0xFFFF0000ull || !reserve((u32)end)) return 0;
    heap_end = (u32)end;
    return at;
}

void *memcpy(void *to, const void *from, unsigned long n) {
    for (unsigned long i = 0; i < n; i++) ((u8 *)to)[i] = ((const u8 *)from)[i];
    return to;
}
void *memset(void *to, int value, unsigned long n) {
    for (unsigned long i = 0; i < n; i++) ((volatile u8 *)to)[i] = (u8)value;
    return to;
}

/* Reading */

static const u8 *source, *source_end;
static u64 window;      /* the next bits, left-aligned */
static i32 available;   /* bits in the window */
static i32 invented;    /* how many of them lie behind the end of the data */
static i32 failure;

static void fill(void) {
    if (source_end - source >= 8) {
        u64 word = __builtin_bswap64(*(const Word *)source);
        if (!has_ff(word)) {
            i32 bytes = (64 - available) >> 3;
            window |= word >> available;  /* bits behind the available ones are those that follow, too */
            source += bytes;
            available += 8 * bytes;
            return;
        }
    }
    while (available <= 56) {
        u32 byte = 0;
        if (source < source_end && !(source[0] == 0xFF && (source + 1 >= source_end || source[1] != 0))) {
            byte = *source;
            source += byte == 0xFF ? 2 : 1;
        } else {
            invented += 8;
        }
        window |= (u64)byte << (56 - available);
        available += 8;
    }
}

static inline u32 take(i32 count) {
    if (available < count) fill();
    u32 value = (u32)(window >> 1 >> (63 - count));
    window <<= count;
    available -= count;
    return value;
}

static inline i32 take_signed(i32 count) {
    i32 value = (i32)take(count);
    return count && value < 1 << (count - 1) ? value - (1 << count) + 1 : value;
}

static i32 prepare_decoder(Decoder *decoder, const Table *table) {
    i32 code = 0, number = 0;
    for (i32 i = 0; i < 1 << LOOK; i++) decoder->look[i] = 0;
    for (i32 length = 1; length <= 16; length++) {
        decoder->offset[length] = number - code;
        for (i32 i = 0; i < table->bits[length]; i++, code++, number++) {
            if (number > 255 || code >= 1 << length) return BAD_TABLE;
            if (length <= LOOK)
                for (i32 j = 0; j < 1 << (LOOK - length); j++)
                    decoder->look[(code << (LOOK - length)) + j] = (u16)(length << 8 | table->values[number]);
        }
        decoder->most[length] = table->bits[length] ? code - 1 : -1;
        code <<= 1;
    }
    decoder->values = table->values;
    decoder->known = number > 0;
    return OK;
}

static inline i32 decode(const Decoder *decoder) {
    if (available < 32) fill();  /* a code, and the value that follows it */
    u32 entry = decoder->look[window >> (64 - LOOK)];
    if (entry) {
        i32 length = (i32)(entry >> 8);
        window <<= length;
        available -= length;
        return (i32)(entry & 255);
    }
    for (i32 length = LOOK + 1; length <= 16; length++) {
        i32 code = (i32)(window >> (64 - length));
        if (code <= decoder->most[length]) {
            window <<= length;
            available -= length;
            return decoder->values[(code + decoder->offset[length]) & 255];
        }
    }
    failure = BAD_CODE;
    return 0;
}

/* State of a scan, both ways */

static i32 previous[COMPONENTS];
static u32 run;  /* blocks of a pending end-of-band run */

static inline void set_dc(i16 *block, i32 number, i32 difference, i32 low) {
    i32 value = previous[number] + difference;
    previous[number] = value;
    value = (i32)((u32)value << low);
    if (value < -32768 || value > 32767) {
        failure = BAD_COEFFICIENT;
        return;
    }
    block[0] = (i16)value;
}

static void read_sequential(i16 *block, i32 number) {
    i32 size = decode(&dc_decoders[scan.dc[number]]);
    if (size > 15) {
        failure = BAD_COEFFICIENT;
        return;
    }
    set_dc(block, number, take_signed(size), 0);
    const Decoder *decoder = &ac_decoders[scan.ac[number]];
    for (i32 k = 1; k < 64; k++) {
        i32 symbol = decode(decoder), zeros = symbol >> 4;
        size = symbol & 15;
        if (!size) {
            if (zeros != 15) return;
            k += 15;
            continue;
        }
        k += zeros;
        if (k > 63) {
            failure = BAD_COEFFICIENT;
            return;
        }
        block[natural[k]] = (i16)take_signed(size);
    }
}

static void read_dc(i16 *block, i32 number) {
    if (scan.high) {
        if (take(1)) block[0] |= (i16)(1 << scan.low);
        return;
    }
    i32 size = decode(&dc_decoders[scan.dc[number]]);
    if (size > 15)
        failure = BAD_COEFFICIENT;
    else
        set_dc(block, number, take_signed(size), scan.low);
}

static void read_ac_first(i16 *block) {
    if (run) {
        run--;
        return;
    }
    const Decoder *decoder = &ac_decoders[scan.ac[0]];
    for (i32 k = scan.first; k <= scan.last; k++) {
        i32 symbol = decode(decoder), zeros = symbol >> 4, size = symbol & 15;
        if (!size) {
            if (zeros != 15) {
                run = (1u << zeros) + take(zeros) - 1;
                return;
            }
            k += 15;
            continue;
        }
        k += zeros;
        i32 value = take_signed(size) * (1 << scan.low);
        if (k > 63 || value < -32768 || value > 32767) {
            failure = BAD_COEFFICIENT;
            return;
        }
        block[natural[k]] = (i16)value;
    }
}

static inline void refine(i16 *coefficient) {
    i32 bit = 1 << scan.low;
    if (take(1) && !(*coefficient & bit)) *coefficient = (i16)(*coefficient + (*coefficient >= 0 ? bit : -bit));
}

static void read_ac_refinement(i16 *block) {
    const Decoder *decoder = &ac_decoders[scan.ac[0]];
    i32 k = scan.first;
    if (!run) {
        for (; k <= scan.last; k++) {
            i32 symbol = decode(decoder), zeros = symbol >> 4, size = symbol & 15, value = 0;
            if (failure) return;
            if (size > 1) {
                failure = BAD_COEFFICIENT;
                return;
            }
            if (size) {
                value = take(1) ? 1 << scan.low : -(1 << scan.low);
            } else if (zeros != 15) {
                run = (1u << zeros) + take(zeros);
                break;
            }
            for (; k <= scan.last; k++) {
                i16 *coefficient = block + natural[k];
                if (*coefficient)
                    refine(coefficient);
                else if (--zeros < 0)
                    break;
            }
            if (value) {
                if (k > scan.last) {
                    failure = BAD_COEFFICIENT;
                    return;
                }
                block[natural[k]] = (i16)value;
            }
        }
    }
    if (run) {
        for (; k <= scan.last; k++)
            if (block[natural[k]]) refine(block + natural[k]);
        run--;
    }
}

static void read_block(i16 *block, i32 number) {
    if (!scan.progressive)
        read_sequential(block, number);
    else if (!scan.first)
        read_dc(block, number);
    else if (!scan.high)
        read_ac_first(block);
    else
        read_ac_refinement(block);
}

static void reset(void) {
    for (i32 i = 0; i < COMPONENTS; i++) previous[i] = 0;
    run = 0;
}

/* Expect a restart marker where the bits of an interval end. */
static i32 read_restart(i32 number) {
    if (available - (available & 7) > invented || source + 1 >= source_end) return BAD_RESTART;
    while (source + 1 < source_end && source[0] == 0xFF && source[1] == 0xFF) source++;
    if (source + 1 >= source_end || source[0] != 0xFF || source[1] != 0xD0 + number) return BAD_RESTART;
    source += 2;
    window = 0;
    available = invented = 0;
    reset();
    return OK;
}

/* Writing */

static u32 output_at, output_end, output_base;
static u64 pending;
static i32 pending_bits;
static i32 counting;
static u8 corrections[REFINEMENTS + 64];
static u32 correction_count;

static inline void store(u8 byte) { *(u8 *)output_at++ = byte; }

static inline void store_stuffed(u8 byte) {
    store(byte);
    if (byte == 0xFF) store(0);
}

/* Write up to 31 bits; those above them are 0. */
static inline void put(u32 bits, i32 count) {
    if (counting) return;
    pending = pending << count | bits;
    pending_bits += count;
    if (pending_bits < 32) return;
    pending_bits -= 32;
    u32 word = (u32)(pending >> pending_bits);
    if (has_ff(word)) {
        for (i32 shift = 24; shift >= 0; shift -= 8) store_stuffed((u8)(word >> shift));
    } else {
        *(HalfWord *)output_at = __builtin_bswap32(word);
        output_at += 4;
    }
}

/* Write a symbol and the bits that belong to it: the lowest ``count`` of a number, 1 less if it is negative. */
static inline void put_symbol(Encoder *encoder, i32 symbol, i32 value, i32 count) {
    if (counting) {
        encoder->frequency[symbol]++;
        return;
    }
    u32 bits = (u32)(value < 0 ? value - 1 : value) & ((1u << count) - 1);
    put(encoder->code[symbol] << count | bits, encoder->size[symbol] + count);
}

static void flush(void) {
    i32 odd = -pending_bits & 7;
    pending = pending << odd | ((1u << odd) - 1);
    for (pending_bits += odd; pending_bits; pending_bits -= 8) store_stuffed((u8)(pending >> (pending_bits - 8)));
    pending = 0;
}

static inline i32 length_of(u32 value) { return value ? 32 - __builtin_clz(value) : 0; }

static void put_corrections(const u8 *bits, u32 count) {
    for (u32 i = 0; i < count; i++) put(bits[i], 1);
}

static void put_run(Encoder *encoder) {
    if (!run) return;
    i32 size = length_of(run) - 1;
    put_symbol(encoder, size << 4, (i32)run, size);
    run = 0;
    put_corrections(corrections, correction_count);
    correction_count = 0;
}

static u64 spread[16][16];  /* four coefficients in natural order, bit by bit -> their bits in zigzag order */

static void prepare_spread(void) {
    for (i32 i = 0; i < 16; i++)
        for (i32 four = 0; four < 16; four++) spread[i][four] = 0;
    for (i32 k = 0; k < 64; k++)
        for (i32 four = 0; four < 16; four++)
            if (four >> (natural[k] & 3) & 1) spread[natural[k] >> 2][four] |= 1ull << k;
}

/* Return which coefficients of a block are not 0: bit k is that of the k-th in zigzag order. */
static inline u64 present_in(const i16 *block) {
    u64 found = 0;
    for (i32 i = 0; i < 16; i++) {
        u64 four = ((const Word *)block)[i];
        if (!four) continue;
        four |= (four & 0x7FFF7FFF7FFF7FFFull) + 0x7FFF7FFF7FFF7FFFull;
        four = (four & 0x8000800080008000ull) >> 15;
        found |= spread[i][four * 0x0001000200040008ull >> 48 & 15];
    }
    return found;
}

/* The bits of the coefficients from first to last. */
static inline u64 band(i32 first, i32 last) { return ~0ull >> (63 - last) & ~0ull << first; }

static inline i32 next_of(u64 *left) {
    i32 k = __builtin_ctzll(*left);
    *left &= *left - 1;
    return k;
}

static inline i32 magnitude_of(i32 value) { return value < 0 ? -value : value; }

static void write_dc(const i16 *block, i32 number) {
    i32 value = block[0] >> scan.low;
    if (scan.high) {
        put((u32)value & 1, 1);
        return;
    }
    i32 difference = value - previous[number];
    previous[number] = value;
    i32 size = length_of((u32)magnitude_of(difference));
    if (size > 15) {
        failure = BAD_COEFFICIENT;
        return;
    }
    put_symbol(&dc_encoders[scan.dc[number]], size, difference, size);
}

static void write_sequential(const i16 *block, i32 number) {
    write_dc(block, number);
    Encoder *encoder = &ac_encoders[scan.ac[number]];
    i32 before = 0;
    for (u64 left = present_in(block) & ~1ull; left;) {
        i32 k = next_of(&left), value = block[natural[k]], size = length_of((u32)magnitude_of(value));
        i32 zeros = k - before - 1;
        before = k;
        for (; zeros > 15; zeros -= 16) put_symbol(encoder, 0xF0, 0, 0);
        if (size > 15) {
            failure = BAD_COEFFICIENT;
            return;
        }
        put_symbol(encoder, zeros << 4 | size, value, size);
    }
    if (before < 63) put_symbol(encoder, 0, 0, 0);
}

static void write_ac_first(const i16 *block) {
    Encoder *encoder = &ac_encoders[scan.ac[0]];
    i32 before = scan.first - 1;
    for (u64 left = present_in(block) & band(scan.first, scan.last); left;) {
        i32 k = next_of(&left), value = block[natural[k]], magnitude = magnitude_of(value) >> scan.low;
        if (!magnitude) continue;
        i32 zeros = k - before - 1, size = length_of((u32)magnitude);
        before = k;
        put_run(encoder);
        for (; zeros > 15; zeros -= 16) put_symbol(encoder, 0xF0, 0, 0);
        if (size > 15) {
            failure = BAD_COEFFICIENT;
            return;
        }
        put_symbol(encoder, zeros << 4 | size, value < 0 ? -magnitude : magnitude, size);
    }
    if (before < scan.last && ++run == 0x7FFF) put_run(encoder);
}

static void write_ac_refinement(const i16 *block) {
    Encoder *encoder = &ac_encoders[scan.ac[0]];
    u64 present = present_in(block) & band(scan.first, scan.last);
    i32 before = scan.first - 1, end = 0, zeros = 0;
    for (u64 left = present; left;) {
        i32 k = next_of(&left);
        if (magnitude_of(block[natural[k]]) >> scan.low == 1) end = k;
    }
    u8 *bits = corrections + correction_count;
    u32 count = 0;
    while (present) {
        i32 k = next_of(&present), value = block[natural[k]], magnitude = magnitude_of(value) >> scan.low;
        if (!magnitude) continue;
        zeros += k - before - 1;
        before = k;
        for (; zeros > 15 && k <= end; zeros -= 16) {
            put_run(encoder);
            put_symbol(encoder, 0xF0, 0, 0);
            put_corrections(bits, count);
            bits = corrections;
            count = 0;
        }
        if (magnitude > 1) {
            bits[count++] = (u8)(magnitude & 1);
            continue;
        }
        put_run(encoder);
        put_symbol(encoder, zeros << 4 | 1, value >= 0, 1);
        put_corrections(bits, count);
        bits = corrections;
        count = 0;
        zeros = 0;
    }
    zeros += scan.last - before;
    if (zeros || count) {
        run++;
        correction_count += count;
        if (run == 0x7FFF || correction_count > REFINEMENTS - 63) put_run(encoder);
    }
}

static void write_block(const i16 *block, i32 number) {
    if (!scan.progressive)
        write_sequential(block, number);
    else if (!scan.first)
        write_dc(block, number);
    else if (!scan.high)
        write_ac_first(block);
    else
        write_ac_refinement(block);
}

static void write_restart(i32 number) {
    if (scan.progressive && scan.first) put_run(&ac_encoders[scan.ac[0]]);
    if (!counting) {
        flush();
        store(0xFF);
        store((u8)(0xD0 + number));
    }
    reset();
}

/* Visit the blocks of a scan in their order. */

static i32 visit(i32 writing) {
    i32 single = scan.count == 1, status = OK;
    const Component *only = &components[scan.components[0]];
    i32 across = single ? only->width : scan.across, down = single ? only->height : scan.down;
    i32 left = scan.restart, number = 0;
    for (i32 y = 0; y < down; y++) {
        for (i32 x = 0; x < across; x++) {
            if (writing && !counting && output_at + MCU_BYTES > output_end) {
                u32 end = output_end + GROWTH;
                if (end < output_end || !reserve(end)) return NO_MEMORY;
                output_end = end;
            }
            if (scan.restart && !left) {
                if (writing)
                    write_restart(number);
                else if ((status = read_restart(number)))
                    return status;
                number = (number + 1) & 7;
                left = scan.restart;
            }
            left--;
            for (i32 i = 0; i < scan.count; i++) {
                const Component *component = &components[scan.components[i]];
                i32 h = single ? 1 : component->h, v = single ? 1 : component->v;
                for (i32 j = 0; j < v; j++)
                    for (i32 k = 0; k < h; k++) {
                        u32 at = (u32)(y * v + j) * (u32)component->columns + (u32)(x * h + k);
                        if (writing)
                            write_block(component->coefficients + 64 * at, i);
                        else
                            read_block(component->coefficients + 64 * at, i);
                    }
            }
            if (failure) return failure;
            if (available < invented) return TRUNCATED;
        }
    }
    return OK;
}

static i32 needs_dc(void) { return !scan.progressive || (!scan.first && !scan.high); }
static i32 needs_ac(void) { return !scan.progressive || scan.first; }

/* Decode a scan from its entropy-coded bytes into the coefficients. */
i32 read_scan(const u8 *data, u32 length) {
    source = data;
    source_end = data + length;
    window = 0;
    available = invented = failure = 0;
    reset();
    for (i32 i = 0; i < scan.count; i++) {
        if (needs_dc() && (prepare_decoder(&dc_decoders[scan.dc[i]], &dc_tables[scan.dc[i]]) ||
                           !dc_decoders[scan.dc[i]].known))
            return BAD_TABLE;
        if (needs_ac() && (prepare_decoder(&ac_decoders[scan.ac[i]], &ac_tables[scan.ac[i]]) ||
                           !ac_decoders[scan.ac[i]].known))
            return BAD_TABLE;
    }
    return visit(0);
}

/* Make the shortest code of at most 16 bits without a code of ones alone (T.81, K.2). */
static void make_code(Encoder *encoder, Table *table) {
    u32 *frequency = encoder->frequency;
    i32 size[257], next[257];
    u8 lengths[260];
    for (i32 i = 0; i < 260; i++) lengths[i] = 0;
    for (i32 i = 0; i < 257; i++) {
        size[i] = 0;
        next[i] = -1;
    }
    frequency[256] = 1;
    for (;;) {
        i32 one = -1, two = -1;
        for (i32 i = 0; i < 257; i++)
            if (frequency[i] && (one < 0 || frequency[i] <= frequency[one])) one = i;
        for (i32 i = 0; i < 257; i++)
            if (frequency[i] && i != one && (two < 0 || frequency[i] <= frequency[two])) two = i;
        if (two < 0) break;
        frequency[one] += frequency[two];
        frequency[two] = 0;
        for (size[one]++; next[one] >= 0; size[one]++) one = next[one];
        next[one] = two;
        for (size[two]++; next[two] >= 0; size[two]++) two = next[two];
    }
    for (i32 i = 0; i < 257; i++)
        if (size[i]) lengths[size[i]]++;
    for (i32 i = 259; i > 16; i--)
        while (lengths[i]) {
            i32 j = i - 2;
            while (!lengths[j]) j--;
            lengths[i] -= 2;
            lengths[i - 1]++;
            lengths[j + 1] += 2;
            lengths[j]--;
        }
    i32 longest = 16;
    while (longest && !lengths[longest]) longest--;
    if (longest) lengths[longest]--;
    for (i32 i = 0; i < 17; i++) table->bits[i] = i ? lengths[i] : 0;
    i32 number = 0;
    for (i32 i = 1; i < 258; i++)
        for (i32 j = 0; j < 256; j++)
            if (size[j] == i) table->values[number++] = (u8)j;
    u32 code = 0;
    number = 0;
    for (i32 length = 1; length <= 16; length++, code <<= 1)
        for (i32 i = 0; i < table->bits[length]; i++, code++, number++) {
            encoder->code[table->values[number]] = code;
            encoder->size[table->values[number]] = (u8)length;
        }
}

static void clear(Encoder *encoder) {
    for (i32 i = 0; i < 257; i++) encoder->frequency[i] = 0;
    for (i32 i = 0; i < 256; i++) encoder->size[i] = 0;
}

static void finish(void) {
    if (scan.progressive && scan.first) put_run(&ac_encoders[scan.ac[0]]);
    flush();
}

/* Encode a scan with the best tables for it; tables and bytes are left in memory.  Return a status. */
i32 write_scan(void) {
    available = invented = failure = 0;
    correction_count = 0;
    prepare_spread();
    for (i32 i = 0; i < TABLES; i++) {
        clear(&dc_encoders[i]);
        clear(&ac_encoders[i]);
    }
    counting = 1;
    reset();
    i32 status = visit(1);
    if (status) return status;
    finish();
    u32 dc_done = 0, ac_done = 0;
    for (i32 i = 0; i < scan.count; i++) {
        if (needs_dc() && !(dc_done >> scan.dc[i] & 1)) make_code(&dc_encoders[scan.dc[i]], &dc_tables[scan.dc[i]]);
        if (needs_ac() && !(ac_done >> scan.ac[i] & 1)) make_code(&ac_encoders[scan.ac[i]], &ac_tables[scan.ac[i]]);
        dc_done |= 1u << scan.dc[i];
        ac_done |= 1u << scan.ac[i];
    }
    counting = 0;
    pending = 0;
    pending_bits = 0;
    output_base = output_at = output_end = (heap_end + 15) & ~15u;
    reset();
    status = visit(1);
    if (!status) finish();
    return status;
}

u32 written_at(void) { return output_base; }
u32 written_bytes(void) { return output_at - output_base; }
u32 components_at(void) { return (u32)components; }
u32 scan_at(void) { return (u32)&scan; }
u32 dc_tables_at(void) { return (u32)dc_tables; }
u32 ac_tables_at(void) { return (u32)ac_tables; }
