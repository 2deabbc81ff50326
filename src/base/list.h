/* SPDX-License-Identifier: MIT
 * list.h - a circular doubly linked list whose nodes lie in what they link.
 *
 * An empty list, and a node in no list, point at themselves: removing twice is harmless. */
#ifndef EDDY__LIST_H
#define EDDY__LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_node {
    struct list_node *next, *prev;
};

static inline void list_init(struct list_node *node) {
    node->next = node->prev = node;
}

static inline bool list_is_empty(const struct list_node *list) {
    return list->next == list;
}

static inline void list_add_before(struct list_node *place, struct list_node *node) {
    node->next = place;
    node->prev = place->prev;
    place->prev->next = node;
    place->prev = node;
}

static inline void list_append(struct list_node *list, struct list_node *node) {
    list_add_before(list, node);
}

static inline void list_remove(struct list_node *node) {
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/* The first node, taken out; NULL from an empty list. */
static inline struct list_node *list_take_first(struct list_node *list) {
    struct list_node *first = list->next;

    if (first == list)
        return NULL;
    list_remove(first);
    return first;
}

/* Moves all nodes of `from` to the end of `to`. */
static inline void list_splice(struct list_node *to, struct list_node *from) {
    if (list_is_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

/* A list whose head is one pointer, NULL when it is empty: it may be copied and zeroed. */
struct chain_node {
    struct chain_node *next, **place; /* place: the pointer to this node */
};

static inline void chain_push(struct chain_node **head, struct chain_node *node) {
    *node = (struct chain_node){.next = *head, .place = head};
    if (*head)
        (*head)->place = &node->next;
    *head = node;
}

/* Harmless for a node that is in no chain: place is NULL. */
static inline void chain_remove(struct chain_node *node) {
    if (!node->place)
        return;
    *node->place = node->next;
    if (node->next)
        node->next->place = node->place;
    *node = (struct chain_node){0};
}

#endif
