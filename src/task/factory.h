/* SPDX-License-Identifier: MIT
 * factory.h - a loop's task factory. Not installed. */
#ifndef EDDY__FACTORY_H
#define EDDY__FACTORY_H

#include "task.h"

struct eddy__factory {
    eddy_task_factory *create; /* NULL: none */
    void *arg;
    const char *origin; /* that it was asked about and has not created yet, or NULL */
    bool has_options;   /* the text of that origin begins with options */
};

/* Must the factory be asked? Not about what it creates itself. */
bool eddy__factory_is_asked(struct eddy__factory *factory, const char *origin);

/* Asks it. */
eddy_task *eddy__factory_create(eddy_loop *loop, const char *origin,
                                const eddy_task_options *options, bool has_options, eddy_fn *fn,
                                void *arg);

#endif
