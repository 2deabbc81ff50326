/* SPDX-License-Identifier: MIT
 * test_list.c - the list whose nodes lie in what they link. */
#include "list.h"

#include "test.h"

#define NODES 4

struct fixture {
    struct list_node list, nodes[NODES];
};

/* A list of the four nodes, in order. */
static void fixture_fill(struct fixture *fixture) {
    list_init(&fixture->list);
    for (int i = 0; i < NODES; i++)
        list_append(&fixture->list, &fixture->nodes[i]);
}

/* Takes all out; the n-th digit, from the left, is the n-th node's index. */
static int take_all(struct fixture *fixture) {
    struct list_node *node;
    int digits = 0;

    while ((node = list_take_first(&fixture->list)))
        digits = digits * 10 + (int)(node - fixture->nodes) + 1;
    return digits;
}

TEST(an_empty_list_gives_nothing) {
    struct list_node list;
    list_init(&list);

    ASSERT(list_is_empty(&list));
    ASSERT_NULL(list_take_first(&list));
}

TEST(nodes_come_out_in_the_order_in_which_they_were_appended) {
    struct fixture fixture;
    fixture_fill(&fixture);

    ASSERT_INT_EQ(take_all(&fixture), 1234);
    ASSERT(list_is_empty(&fixture.list));
}

TEST(a_node_is_removed_from_anywhere_in_the_list) {
    struct fixture fixture;
    fixture_fill(&fixture);
    list_remove(&fixture.nodes[1]);
    list_remove(&fixture.nodes[3]);

    ASSERT_INT_EQ(take_all(&fixture), 13);
}

TEST(removing_a_node_twice_is_harmless) {
    struct fixture fixture;
    fixture_fill(&fixture);
    list_remove(&fixture.nodes[2]);
    list_remove(&fixture.nodes[2]);

    ASSERT(list_is_empty(&fixture.nodes[2]));
    ASSERT_INT_EQ(take_all(&fixture), 124);
}

TEST(a_node_that_was_taken_is_in_no_list) {
    struct fixture fixture;
    fixture_fill(&fixture);

    ASSERT(list_is_empty(list_take_first(&fixture.list)));
}

TEST(a_node_can_be_put_before_any_other) {
    struct fixture fixture;
    fixture_fill(&fixture);
    list_remove(&fixture.nodes[3]);
    list_add_before(&fixture.nodes[0], &fixture.nodes[3]);

    ASSERT_INT_EQ(take_all(&fixture), 4123);
}

TEST(splicing_moves_all_nodes_to_the_end_of_the_other_list) {
    struct fixture fixture;
    struct list_node other;
    fixture_fill(&fixture);
    list_init(&other);
    list_append(&other, list_take_first(&fixture.list));
    list_append(&other, list_take_first(&fixture.list));
    list_splice(&fixture.list, &other);

    ASSERT(list_is_empty(&other));
    ASSERT_INT_EQ(take_all(&fixture), 3412);
}

TEST(splicing_an_empty_list_changes_nothing) {
    struct fixture fixture;
    struct list_node other;
    fixture_fill(&fixture);
    list_init(&other);
    list_splice(&fixture.list, &other);

    ASSERT_INT_EQ(take_all(&fixture), 1234);
}

TEST(splicing_into_an_empty_list_moves_all) {
    struct fixture fixture;
    struct list_node other;
    fixture_fill(&fixture);
    list_init(&other);
    list_splice(&other, &fixture.list);

    ASSERT(list_is_empty(&fixture.list));
    ASSERT_PTR_EQ(list_take_first(&other), &fixture.nodes[0]);
    ASSERT_PTR_EQ(other.prev, &fixture.nodes[3]);
}
