/* A glyph interpreter as a simple system has it: every activation walks the ancestors, reads the
 * text of the program and of the constraints again, and searches each id from the first glyph on.
 *
 * usage: interpreter VAULT_DIR GLYPH COUNT
 * Loads the vault, takes every glyph for active, activates GLYPH COUNT times and prints the nanoseconds of
 * one activation and its state: R M P C E. A file that breaks a rule is not looked for: the vault is
 * one that GlyphOS took.
 */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct state { double r, m, p, e; long long c; };
struct glyph {
    char id[65], parents[1200], program[1025], constraints[1025];
    struct state own;
    int active;
};
struct cell { double magnitude, phase, coherence; };

static struct glyph *glyphs;
static struct cell *cells;
static size_t count, room;

static struct glyph *find(const char *id)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(glyphs[i].id, id) == 0)
            return &glyphs[i];
    return NULL;
}

/* Cuts the next piece off *text and trims it; NULL at the end. */
static char *next(char **text, char separator)
{
    char *start = *text, *end;
    if (start == NULL)
        return NULL;
    end = strchr(start, separator);
    *text = end ? end + 1 : NULL;
    if (end == NULL)
        end = start + strlen(start);
    while (*start == ' ' || *start == '\t')
        start++;
    while (end > start && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\n' || end[-1] == '\r'))
        end--;
    *end = 0;
    return start;
}

static void inherit(const struct glyph *g, struct state *s)
{
    char text[sizeof g->parents], *rest = text, *id;
    strcpy(text, g->parents);
    while (g->parents[0] && (id = next(&rest, ',')) != NULL) {
        struct glyph *parent = find(id);
        struct state copy = *s;
        if (parent == NULL)
            continue;
        inherit(parent, &copy);
        s->r += 0.5 * copy.r;
        s->e += 0.3 * copy.e;
    }
    s->r += g->own.r;
    s->m *= g->own.m;
    s->c = (s->c + g->own.c) / 2;
    s->p += g->own.p;
    s->e *= g->own.e;
}

static int holds(const struct glyph *g, const struct state *s)
{
    char text[sizeof g->constraints], *rest = text, *entry;
    strcpy(text, g->constraints);
    while ((entry = next(&rest, ',')) != NULL) {
        char field[32], operator[3];
        double value, number;
        if (*entry == 0 || strcmp(entry, "none") == 0)
            continue;
        if (strncmp(entry, "requires_", 9) == 0) {
            char parents[sizeof g->parents], *ids = parents, *id;
            strcpy(parents, g->parents);
            while (g->parents[0] && (id = next(&ids, ',')) != NULL) {
                struct glyph *parent = find(id);
                if (parent == NULL || !parent->active)
                    return 0;
            }
            continue;
        }
        if (sscanf(entry, "%31[a-z] %2[<>=] %lf", field, operator, &number) != 3)
            return 0;
        if (strcmp(field, "coherence") == 0) value = (double)s->c;
        else if (strcmp(field, "magnitude") == 0) value = s->m;
        else if (strcmp(field, "resonance") == 0) value = s->r;
        else if (strcmp(field, "phase") == 0) value = s->p;
        else value = s->e;
        if (!(strcmp(operator, ">=") == 0 ? value >= number
              : strcmp(operator, "<=") == 0 ? value <= number
              : strcmp(operator, ">") == 0 ? value > number
              : strcmp(operator, "<") == 0 ? value < number : value == number))
            return 0;
    }
    return 1;
}

static void run(const struct glyph *g, struct state *s)
{
    char text[sizeof g->program], *rest = text, *command;
    strcpy(text, g->program);
    while ((command = next(&rest, '|')) != NULL) {
        char *argument = strchr(command, '('), *end;
        double k;
        if (argument == NULL || (end = strchr(argument, ')')) == NULL)
            continue;
        *argument++ = 0;
        *end = 0;
        k = strtod(argument, NULL);
        if (strcmp(command, "resonate") == 0) {
            s->r *= k;
        } else if (strcmp(command, "amplify") == 0) {
            s->m *= k;
        } else if (strcmp(command, "phase_shift") == 0) {
            s->p += k;
        } else if (strcmp(command, "stabilize") == 0) {
            s->c = s->c > 90 ? 100 : s->c + 10;
        } else if (strcmp(command, "decay") == 0) {
            s->m *= 1 - k;
            s->c -= (long long)(k * 10);
        } else if (strcmp(command, "entangle") == 0) {
            const struct glyph *target = find(argument);
            if (target != NULL) {
                s->e += target->own.e;
                s->r += target->own.r * 0.2;
            }
        }
    }
}

/* Activates g; 0 if it is refused. */
static int activate(struct glyph *g, struct state *result)
{
    struct state s = g->own;
    if (g->parents[0])
        inherit(g, &s);
    if (!holds(g, &s))
        return 0;
    run(g, &s);
    if (!isfinite(s.r) || !isfinite(s.m) || !isfinite(s.p) || !isfinite(s.e))
        return 0;
    cells[g - glyphs] = (struct cell){ 100 * s.m, s.p * 3.14159265358979323846 / 180, 10.0 * s.c };
    g->active = 1;
    *result = s;
    return 1;
}

static void copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from);
}

static void field(struct glyph *g, const char *key, const char *value)
{
    if (strcmp(key, "glyph_id") == 0)
        copy(g->id, sizeof g->id, value);
    else if (strcmp(key, "parent_glyphs") == 0 || strcmp(key, "parent") == 0)
        copy(g->parents, sizeof g->parents, value);
    else if (strcmp(key, "resonance_freq") == 0 || strcmp(key, "resonance") == 0)
        g->own.r = strtod(value, NULL);
    else if (strcmp(key, "field_magnitude") == 0 || strcmp(key, "magnitude") == 0)
        g->own.m = strtod(value, NULL);
    else if (strcmp(key, "coherence") == 0)
        g->own.c = strtoll(value, NULL, 10);
    else if (strcmp(key, "phase_offset") == 0 || strcmp(key, "phase") == 0)
        g->own.p = strtod(value, NULL);
    else if (strcmp(key, "entanglement_coeff") == 0 || strcmp(key, "entanglement") == 0)
        g->own.e = strtod(value, NULL);
    else if (strcmp(key, "activation_simulation") == 0 || strcmp(key, "activation") == 0)
        copy(g->program, sizeof g->program, value);
    else if (strcmp(key, "constraints") == 0)
        copy(g->constraints, sizeof g->constraints, value);
}

static void load(const char *folder)
{
    DIR *directory = opendir(folder);
    struct dirent *entry;
    if (directory == NULL) {
        perror(folder);
        exit(1);
    }
    while ((entry = readdir(directory)) != NULL) {
        char path[4096], line[4096];
        size_t length = strlen(entry->d_name);
        FILE *file;
        struct glyph *g;
        if (length < 5 || strcmp(entry->d_name + length - 4, ".gdf") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if ((file = fopen(path, "r")) == NULL) {
            perror(path);
            exit(1);
        }
        if (count == room && (glyphs = realloc(glyphs, (room = room * 2 + 16) * sizeof *glyphs)) == NULL)
            exit(1);
        g = &glyphs[count++];
        memset(g, 0, sizeof *g);
        g->own = (struct state){ 440, 1, 0, 1, 100 };
        while (fgets(line, sizeof line, file) != NULL) {
            char *value = line, *key = next(&value, ':');
            if (*key != '#' && value != NULL)
                field(g, key, next(&value, '\n'));
        }
        fclose(file);
    }
    closedir(directory);
}

int main(int argc, char **argv)
{
    struct timespec begin, end;
    struct state state = { 0 };
    struct glyph *glyph;
    long rounds;
    if (argc != 4 || (rounds = atol(argv[3])) < 1) {
        fprintf(stderr, "usage: interpreter VAULT_DIR GLYPH COUNT\n");
        return 2;
    }
    load(argv[1]);
    if ((cells = calloc(count, sizeof *cells)) == NULL || (glyph = find(argv[2])) == NULL) {
        fprintf(stderr, "interpreter: no glyph %s\n", argv[2]);
        return 1;
    }
    for (size_t i = 0; i < count; i++)
        glyphs[i].active = 1;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (long i = 0; i < rounds; i++)
        if (!activate(glyph, &state)) {
            fprintf(stderr, "interpreter: %s is refused\n", argv[2]);
            return 1;
        }
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.1f %.17g %.17g %.17g %lld %.17g\n",
           ((end.tv_sec - begin.tv_sec) * 1e9 + (end.tv_nsec - begin.tv_nsec)) / rounds,
           state.r, state.m, state.p, state.c, state.e);
    return 0;
}
