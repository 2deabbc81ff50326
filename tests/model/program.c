/* SPDX-License-Identifier: MIT
 * program.c - programs out of bytes, compared, made smaller and printed. */
#include "program.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "random.h"

/* --- making ----------------------------------------------------------------------------------- */

struct bytes {
    const uint8_t *data;
    size_t size;
};

static int next(struct bytes *bytes, int limit) {
    if (bytes->size == 0)
        return 0;
    bytes->size--;
    return *bytes->data++ % limit;
}

static bool begins(int operation) {
    return operation == BEGIN_TIMEOUT || operation == BEGIN_SHIELD || operation == BEGIN_GROUP;
}

/* What moves others is there more often than what waits for them. */
static const uint8_t mix[] = {
    YIELD,
    YIELD,
    SLEEP,
    SLEEP,
    SPAWN,
    SPAWN,
    SPAWN,
    SPAWN_EAGERLY,
    CANCEL,
    CANCEL,
    CANCEL,
    UNCANCEL,
    UNCANCEL,
    AWAIT,
    AWAIT,
    WAIT_FOR,
    GATHER,
    GATHER,
    WAIT,
    WAIT,
    LOCK,
    LOCK,
    UNLOCK,
    UNLOCK,
    UNLOCK,
    ACQUIRE,
    RELEASE,
    RELEASE,
    EVENT_WAIT,
    EVENT_SET,
    EVENT_SET,
    EVENT_CLEAR,
    PUT,
    PUT,
    GET,
    BEGIN_TIMEOUT,
    BEGIN_TIMEOUT,
    BEGIN_SHIELD,
    BEGIN_GROUP,
    BEGIN_GROUP,
    SPAWN_IN_GROUP,
    SPAWN_IN_GROUP,
    SPAWN_IN_GROUP,
    SPAWN_IN_GROUP,
    SPAWN_IN_GROUP,
    CANCEL_GROUP,
    END,
    END,
    END,
};

static struct instruction read_instruction(struct bytes *bytes) {
    struct instruction instruction = {.operation = mix[next(bytes, sizeof(mix))]};

    instruction.a = (uint8_t)next(bytes, 256);
    instruction.b = (uint8_t)next(bytes, 256);
    instruction.c = (uint8_t)next(bytes, 256);
    return instruction;
}

static void read_code(struct code *code, struct bytes *bytes) {
    int open = 0;

    code->ending = next(bytes, 4) % 3;
    code->count = next(bytes, CODE_MAX + 1);
    for (int i = 0; i < code->count; i++) {
        struct instruction instruction = read_instruction(bytes);
        if (instruction.operation == END && open == 0)
            instruction.operation = YIELD;
        open += begins(instruction.operation) - (instruction.operation == END);
        code->list[i] = instruction;
    }
}

void program_read(struct program *program, const uint8_t *data, size_t size) {
    struct bytes bytes = {data, size};

    *program = (struct program){.tasks_count = 1 + next(&bytes, TASKS_MAX)};
    program->roots = 1 + next(&bytes, program->tasks_count);
    for (int i = 0; i < program->tasks_count; i++)
        read_code(&program->tasks[i], &bytes);
}

void program_make(struct program *program, uint64_t seed) {
    uint8_t bytes[2 + TASKS_MAX * (2 + 4 * CODE_MAX)];
    uint64_t state = seed;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)random_next(&state);
    program_read(program, bytes, sizeof(bytes));
}

int wait_ticks(const struct instruction *instruction) {
    int ticks = instruction->c / 3 % 8;

    return ticks == 7 ? INT_MAX : ticks;
}

int wait_until(const struct instruction *instruction) {
    return instruction->c % 3;
}

/* --- comparing -------------------------------------------------------------------------------- */

static struct trace real, model;

static bool is_same(void) {
    return real.count == model.count &&
           memcmp(real.steps, model.steps, (size_t)real.count * sizeof(real.steps[0])) == 0;
}

bool program_agrees(const struct program *program) {
    real.count = model.count = 0;
    real_run(program, &real);
    model_run(program, &model);
    return is_same();
}

/* --- explaining ------------------------------------------------------------------------------- */

/* An END stays with its beginning: both go, or none. */
static bool leave_out(struct code *code, int place) {
    int depth = 1, end = place + 1;

    if (code->list[place].operation == NOTHING || code->list[place].operation == END)
        return false;
    if (begins(code->list[place].operation)) {
        for (; end < code->count; end++) {
            depth += begins(code->list[end].operation) - (code->list[end].operation == END);
            if (depth == 0)
                break;
        }
        if (end < code->count)
            code->list[end].operation = NOTHING;
    }
    code->list[place].operation = NOTHING;
    return true;
}

static bool shrink_once(struct program *program) {
    bool has_shrunk = false;

    for (int task = 0; task < program->tasks_count; task++)
        for (int place = 0; place < program->tasks[task].count; place++) {
            struct program smaller = *program;
            if (!leave_out(&smaller.tasks[task], place) || program_agrees(&smaller))
                continue;
            *program = smaller;
            has_shrunk = true;
        }
    return has_shrunk;
}

static const char *const names[OPERATIONS] = {
    "nothing",      "yield",   "sleep",    "spawn",      "spawn eagerly", "cancel",
    "uncancel",     "await",   "wait_for", "gather",     "wait",          "lock",
    "unlock",       "acquire", "release",  "event wait", "event set",     "event clear",
    "put",          "get",     "timeout",  "shield",     "group",         "spawn in group",
    "cancel group", "end"};

void program_print(const struct program *program) {
    for (int task = 0; task < program->tasks_count; task++) {
        const struct code *code = &program->tasks[task];
        printf("task %d%s, ending %d\n", task, task < program->roots ? ", a root" : "",
               code->ending);
        for (int i = 0; i < code->count; i++)
            if (code->list[i].operation != NOTHING)
                printf("  %2d  %s %d %d %d\n", i, names[code->list[i].operation], code->list[i].a,
                       code->list[i].b, code->list[i].c);
    }
}

static void print_step(const struct trace *trace, int i) {
    const struct step *step = &trace->steps[i];

    if (i < trace->count)
        printf("  t=%-4d task %-3d at %-2d: %-7d", step->time, step->task, step->place,
               step->result);
    else
        printf("  %31s", "-");
}

static void traces_print(void) {
    printf("eddy%29smodel\n", "");
    for (int i = 0; i < real.count || i < model.count; i++) {
        bool is_other = i >= real.count || i >= model.count ||
                        memcmp(&real.steps[i], &model.steps[i], sizeof(real.steps[i])) != 0;
        print_step(&real, i);
        print_step(&model, i);
        printf("%s\n", is_other ? "  <--" : "");
    }
    fflush(stdout);
}

void program_explain(const struct program *program) {
    struct program smallest = *program;

    while (shrink_once(&smallest))
        continue;
    program_agrees(&smallest);
    program_print(&smallest);
    traces_print();
}
