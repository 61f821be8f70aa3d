/*
 * The field of cells as a plain program would have it: the peer of kernel/substrate in benchmarks.
 *
 * An array of records in ordinary memory. Nothing is verified and nothing can be repaired: a read
 * trusts its memory, a write computes one checksum over all cells anew, a tick goes over every
 * cell, and a wave walks outwards with a queue and asks the library for each cell's numbers.
 *
 * `cargo xtask bench substrate` compiles this with `cc -O2` and lets it run in turn with
 * kernel/substrate/benches/race.rs, which serves the same requests. A request is a line on standard
 * input, its answer lines on standard output:
 *   time OPERATION SIDE COUNT   nanoseconds of the processor's time that COUNT operations on
 *                               SIDE x SIDE cells took
 *   time copy BYTES COUNT       the same for COUNT copies of BYTES bytes
 *   values                      what a fixed session leaves in 64 x 64 cells, a cell a line
 * Anything else ends it with status 1.
 */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TAU 6.283185307179586476925286766559
#define LEVEL_MAX 1000.0
#define MAGNITUDE_FLOOR 0.01
#define DISTANCE_MAX 10
/* Cells within DISTANCE_MAX steps of another: 1 + 4 * (1 + 2 + ... + 10). */
#define REACH_MAX 221

struct cell {
    double magnitude;
    double phase;
    double coherence;
    double decay_rate;
    uint64_t last_update;
    uint64_t flags;
};

struct field {
    uint32_t width;
    uint32_t height;
    uint64_t count;
    uint64_t tick;
    uint64_t checksum;
    struct cell *cells;
};

/* A cell that a wave has reached, and how many steps from its origin. */
struct reached {
    uint64_t cell;
    uint32_t distance;
};

enum { OK, OUT_OF_RANGE, NOT_FINITE };

/* What a compiler must not know to be unused. */
static volatile double sink;

static double level(double value)
{
    if (value < 0.0)
        return 0.0;
    return value > LEVEL_MAX ? LEVEL_MAX : value;
}

static double turn(double phase)
{
    double rest = fmod(phase, TAU);
    if (rest < 0.0)
        rest += TAU;
    return rest >= TAU ? 0.0 : rest;
}

/* Fletcher's two sums over the words of all cells. */
static uint64_t checksum(const struct field *field)
{
    uint64_t first = 0, second = 0;
    for (uint64_t i = 0; i < field->count; i++) {
        uint64_t words[sizeof(struct cell) / 8];
        memcpy(words, &field->cells[i], sizeof words);
        for (size_t j = 0; j < sizeof words / 8; j++) {
            first += words[j];
            second += first;
        }
    }
    return first ^ (second << 32 | second >> 32);
}

static struct field *field_new(uint32_t width, uint32_t height)
{
    struct field *field = malloc(sizeof *field);
    if (field == NULL)
        return NULL;
    *field = (struct field){.width = width, .height = height, .count = (uint64_t)width * height};
    field->cells = malloc(field->count * sizeof *field->cells);
    if (field->cells == NULL) {
        free(field);
        return NULL;
    }
    for (uint64_t i = 0; i < field->count; i++)
        field->cells[i] = (struct cell){.magnitude = 100.0, .coherence = 500.0, .decay_rate = 0.01};
    field->checksum = checksum(field);
    return field;
}

static void field_free(struct field *field)
{
    if (field != NULL)
        free(field->cells);
    free(field);
}

static int __attribute__((noinline)) field_read(const struct field *field, uint64_t cell, struct cell *view)
{
    if (cell >= field->count)
        return OUT_OF_RANGE;
    *view = field->cells[cell];
    return OK;
}

static int __attribute__((noinline))
field_write(struct field *field, uint64_t cell, double magnitude, double phase, double coherence)
{
    if (cell >= field->count)
        return OUT_OF_RANGE;
    if (!isfinite(magnitude) || !isfinite(phase) || !isfinite(coherence))
        return NOT_FINITE;
    struct cell *place = &field->cells[cell];
    place->magnitude = level(magnitude);
    place->phase = turn(phase);
    place->coherence = level(coherence);
    place->last_update = field->tick;
    field->checksum = checksum(field);
    return OK;
}

static int __attribute__((noinline)) field_force(struct field *field, uint64_t cell, double x, double y, double z)
{
    if (cell >= field->count)
        return OUT_OF_RANGE;
    double length = sqrt(x * x + y * y + z * z);
    if (!isfinite(length))
        return NOT_FINITE;
    struct cell was = field->cells[cell];
    return field_write(field, cell, was.magnitude + 0.9 * length, was.phase + 0.1 * atan2(y, x),
                       was.coherence + 0.5 * length);
}

static void __attribute__((noinline)) field_tick(struct field *field)
{
    field->tick++;
    for (uint64_t i = 0; i < field->count; i++) {
        struct cell *cell = &field->cells[i];
        double decayed = cell->magnitude * (1.0 - cell->decay_rate);
        cell->magnitude = decayed > MAGNITUDE_FLOOR ? decayed : MAGNITUDE_FLOOR;
    }
}

static void ripple(struct field *field, struct reached at, double amplitude, double frequency)
{
    struct cell *cell = &field->cells[at.cell];
    double shift = TAU * at.distance * frequency;
    double gain = amplitude * pow(0.95, at.distance) * cos(frequency * (double)field->tick + shift);
    cell->magnitude = level(cell->magnitude + fabs(gain));
    cell->phase = turn(cell->phase + fmod(shift, TAU));
    cell->last_update = field->tick;
}

static int __attribute__((noinline)) field_wave(struct field *field, uint64_t origin, double amplitude, double frequency)
{
    if (origin >= field->count)
        return OUT_OF_RANGE;
    if (!isfinite(amplitude) || !isfinite(frequency))
        return NOT_FINITE;
    /* Which cells of the square around the origin are in the queue already. */
    unsigned char seen[2 * DISTANCE_MAX + 1][2 * DISTANCE_MAX + 1] = {{0}};
    struct reached queue[REACH_MAX];
    unsigned head = 0, tail = 0;
    int64_t width = field->width, height = field->height;
    int64_t left = (int64_t)origin % width - DISTANCE_MAX, top = (int64_t)origin / width - DISTANCE_MAX;
    seen[DISTANCE_MAX][DISTANCE_MAX] = 1;
    queue[tail++] = (struct reached){.cell = origin};
    while (head < tail) {
        static const int steps[4][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};
        struct reached at = queue[head++];
        ripple(field, at, amplitude, frequency);
        if (at.distance == DISTANCE_MAX)
            continue;
        for (int i = 0; i < 4; i++) {
            int64_t x = (int64_t)at.cell % width + steps[i][0], y = (int64_t)at.cell / width + steps[i][1];
            if (x < 0 || x >= width || y < 0 || y >= height || seen[y - top][x - left])
                continue;
            seen[y - top][x - left] = 1;
            queue[tail++] = (struct reached){.cell = (uint64_t)(y * width + x), .distance = at.distance + 1};
        }
    }
    return OK;
}

/* A cell far from the one before: as the other side has it. */
static uint64_t scattered(uint64_t index, uint64_t count)
{
    return index * 0x9e3779b97f4a7c15 % count;
}

static uint64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* Does COUNT operations, numbered on from those before; 0 if there is no such operation. */
static int operate(struct field *field, const char *operation, uint64_t begin, uint64_t count)
{
    struct cell view = {0};
    if (strcmp(operation, "read") == 0) {
        for (uint64_t i = begin; i < begin + count; i++) {
            field_read(field, i % field->count, &view);
            sink = view.magnitude;
        }
    } else if (strcmp(operation, "read-scattered") == 0) {
        for (uint64_t i = begin; i < begin + count; i++) {
            field_read(field, scattered(i, field->count), &view);
            sink = view.magnitude;
        }
    } else if (strcmp(operation, "write") == 0) {
        for (uint64_t i = begin; i < begin + count; i++)
            field_write(field, i % field->count, (double)(i % 1000), 1.0, 2.0);
    } else if (strcmp(operation, "write-scattered") == 0) {
        for (uint64_t i = begin; i < begin + count; i++)
            field_write(field, scattered(i, field->count), (double)(i % 1000), 1.0, 2.0);
    } else if (strcmp(operation, "tick") == 0) {
        for (uint64_t i = 0; i < count; i++)
            field_tick(field);
    } else if (strcmp(operation, "wave") == 0) {
        for (uint64_t i = begin; i < begin + count; i++)
            field_wave(field, scattered(i, field->count), 1.0, 440.0);
    } else {
        return 0;
    }
    return 1;
}

/* The session that both sides have to agree on. */
static int values(void)
{
    struct field *field = field_new(64, 64);
    if (field == NULL)
        return 0;
    for (uint64_t i = 0; i < 600; i++) {
        uint64_t cell = scattered(i, field->count);
        double value = (double)i;
        field_write(field, cell, value, 0.1 * value - 7.0, 2.0 * value);
        field_force(field, (cell + 65) % field->count, value, 1.0 - value, 0.5);
        if (i % 3 == 0)
            field_tick(field);
        if (i % 10 == 0)
            field_wave(field, (cell + 2080) % field->count, 0.25 * value, 0.01 * value);
    }
    for (uint64_t i = 0; i < field->count; i++) {
        const struct cell *cell = &field->cells[i];
        printf("%.17g %.17g %.17g %" PRIu64 "\n", cell->magnitude, cell->phase, cell->coherence, cell->last_update);
    }
    field_free(field);
    return 1;
}

static int copy(uint64_t bytes, uint64_t count)
{
    unsigned char *from = malloc(bytes), *to = malloc(bytes);
    int done = bytes > 0 && from != NULL && to != NULL;
    if (done) {
        memset(from, 1, bytes);
        memset(to, 2, bytes);
        uint64_t begin = now_ns();
        for (uint64_t i = 0; i < count; i++) {
            memcpy(to, from, bytes);
            sink = to[bytes - 1];
        }
        printf("%" PRIu64 "\n", now_ns() - begin);
    }
    free(from);
    free(to);
    return done;
}

int main(void)
{
    char line[128], operation[32];
    uint64_t size = 0, count = 0, done = 0;
    struct field *field = NULL;
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (strcmp(line, "values\n") == 0) {
            if (!values())
                return 1;
        } else if (sscanf(line, "time %31s %" SCNu64 " %" SCNu64, operation, &size, &count) != 3) {
            return 1;
        } else if (strcmp(operation, "copy") == 0) {
            if (!copy(size, count))
                return 1;
        } else {
            if (size == 0 || size > 65535)
                return 1;
            if (field == NULL || field->width != size) {
                field_free(field);
                field = field_new((uint32_t)size, (uint32_t)size);
                done = 0;
            }
            if (field == NULL)
                return 1;
            uint64_t begin = now_ns();
            if (!operate(field, operation, done, count))
                return 1;
            printf("%" PRIu64 "\n", now_ns() - begin);
            done += count;
        }
        fflush(stdout);
    }
    field_free(field);
    return 0;
}
