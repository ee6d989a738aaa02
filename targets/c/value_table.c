/* Values share parts; a table by address lets a traversal meet each part once. */
#include "targets/c/print_private.h"

#include "base/hash.h"

static struct value_entry **slot_of(struct value_entry **entries, int capacity,
                                    const struct value *value) {
    unsigned mask = (unsigned)capacity - 1;
    unsigned i = (unsigned)hash_mix((uint64_t)(uintptr_t)value) & mask;
    while (entries[i] && entries[i]->value != value)
        i = (i + 1) & mask;
    return &entries[i];
}

static void grow(struct value_table *table) {
    int capacity = table->capacity ? 2 * table->capacity : 32;
    struct value_entry **entries =
        ARENA_ARRAY(table->arena, struct value_entry *, (size_t)capacity);
    for (int i = 0; i < table->capacity; i++)
        if (table->entries[i])
            *slot_of(entries, capacity, table->entries[i]->value) = table->entries[i];
    table->entries = entries;
    table->capacity = capacity;
}

struct value_entry *value_table_entry(struct value_table *table, const struct value *value) {
    if (2 * table->count >= table->capacity)
        grow(table);
    struct value_entry **slot = slot_of(table->entries, table->capacity, value);
    if (!*slot) {
        *slot = ARENA_NEW(table->arena, struct value_entry);
        (*slot)->value = value;
        (*slot)->temporary = -1;
        table->count++;
    }
    return *slot;
}
