/* Collapsing axes; see collapse.h.
 *
 * A pair of axes of the result spreads through the expression: where a tensor with the pair (a, b)
 * reads another at subscripts that are plainly a and b, those axes of the other are a pair too. It
 * may be merged if nothing uses a or b otherwise, every read of a tensor with a pair goes by that
 * pair, and in every layout b lies directly inside a. One pair is merged at a time. */
#include "te/collapse.h"

#include <string.h>

struct pair {
    int outer, inner; /* axes; outer < 0: the tensor has no pair */
};

struct collapsing {
    struct arena *arena;
    const struct expression *expression;
    struct pair pairs[MAX_TENSORS];
    bool impossible;
};

static int tensor_number(const struct expression *expression, const struct tensor *tensor) {
    for (int i = 0; i < expression->tensor_count; i++)
        if (expression->tensors[i] == tensor)
            return i;
    return -1;
}

static bool is_plain(const struct affine *index, const struct variable *variable) {
    return index->term_count == 1 && index->constant == 0 &&
           index->terms[0].kind == ATOM_VARIABLE && index->terms[0].coefficient == 1 &&
           index->terms[0].variable == variable;
}

/* Lies axis `inner` directly inside `outer`, both whole and unpadded? */
static bool is_adjacent(const struct tensor *tensor, struct pair pair) {
    for (int i = 0; i + 1 < tensor->layout.dimension_count; i++) {
        const struct layout_dimension *a = &tensor->layout.dimensions[i], *b = a + 1;
        if (a->axis == pair.outer && b->axis == pair.inner && a->divisor == 1 && a->modulus == 0 &&
            b->divisor == 1 && b->modulus == 0 && a->extent == tensor->axes[pair.outer]->extent &&
            b->extent == tensor->axes[pair.inner]->extent)
            return true;
    }
    return false;
}

/* Follows a read by a tensor whose pair is the variables a and b (NULL: it has none). */
static void follow_read(struct collapsing *c, const struct value *read, const struct variable *a,
                        const struct variable *b) {
    int number = tensor_number(c->expression, read->tensor);
    struct pair found = {-1, -1};
    for (int i = 0; i < read->tensor->rank && a; i++) {
        const struct affine *subscript = read->subscripts[i];
        if (is_plain(subscript, a) && found.outer < 0)
            found.outer = i;
        else if (is_plain(subscript, b) && found.inner < 0)
            found.inner = i;
        else if (affine_uses(subscript, a) || affine_uses(subscript, b))
            c->impossible = true;
    }
    if ((found.outer < 0) != (found.inner < 0) || number < 0) {
        c->impossible = true;
        return;
    }
    if (found.outer >= 0 && c->pairs[number].outer < 0) {
        c->pairs[number] = found;
        if (read->tensor->axes[found.outer]->extent != a->extent ||
            read->tensor->axes[found.inner]->extent != b->extent ||
            !is_adjacent(read->tensor, found))
            c->impossible = true;
    } else if (found.outer != c->pairs[number].outer || found.inner != c->pairs[number].inner) {
        c->impossible = true;
    }
}

static void follow_value(struct collapsing *c, const struct value *value, const struct variable *a,
                         const struct variable *b) {
    if (value->operation == OP_READ)
        follow_read(c, value, a, b);
    for (int i = 0; i < value->condition_count && a; i++)
        if (affine_uses(value->conditions[i], a) || affine_uses(value->conditions[i], b))
            c->impossible = true;
    if (value->operation == OP_INDEX && a &&
        (affine_uses(value->index, a) || affine_uses(value->index, b)))
        c->impossible = true;
    for (int i = 0; i < MAX_OPERANDS && value->operands[i]; i++)
        follow_value(c, value->operands[i], a, b);
}

/* Spreads the result's pair; true if all of the expression agrees. Readers come after what they
 * read, so one walk from the end meets every reader before the tensor itself. */
static bool spread(struct collapsing *c, struct pair pair) {
    const struct expression *expression = c->expression;
    int last = expression->tensor_count - 1;
    for (int i = 0; i <= last; i++)
        c->pairs[i] = (struct pair){-1, -1};
    c->impossible = !is_adjacent(expression->tensors[last], pair);
    c->pairs[last] = pair;
    for (int pass = 0; pass < 2 && !c->impossible;
         pass++) /* the second checks reads met too early */
        for (int i = last; i >= 0; i--) {
            const struct tensor *tensor = expression->tensors[i];
            bool has = c->pairs[i].outer >= 0;
            if (tensor->kind == TENSOR_LITERAL && has)
                c->impossible = true;
            for (int j = 0; j < tensor->domain_count && has; j++)
                if (affine_uses(tensor->domain[j], tensor->axes[c->pairs[i].outer]) ||
                    affine_uses(tensor->domain[j], tensor->axes[c->pairs[i].inner]))
                    c->impossible = true;
            if (tensor->kind == TENSOR_COMPUTED)
                follow_value(c, tensor->body, has ? tensor->axes[c->pairs[i].outer] : NULL,
                             has ? tensor->axes[c->pairs[i].inner] : NULL);
        }
    return !c->impossible;
}

/* Building the merged expression. */

struct rebuilding {
    struct collapsing *c;
    struct expression *made;
};

static const struct affine *const *merged_subscripts(struct rebuilding *r, const struct value *read,
                                                     struct pair pair) {
    const struct affine **subscripts =
        ARENA_ARRAY(r->c->arena, const struct affine *, read->tensor->rank);
    int count = 0;
    for (int i = 0; i < read->tensor->rank; i++)
        if (i != pair.inner)
            subscripts[count++] = read->subscripts[i];
    return subscripts;
}

struct body {
    struct rebuilding *r;
    const struct variable *outer,
        *merged; /* of the tensor whose body it is; NULL if it has no pair */
};

static const struct value *change_read(void *context, const struct value *value) {
    struct body *b = context;
    int number;
    struct value *read;
    struct pair pair;
    if (value->operation != OP_READ)
        return value;
    number = tensor_number(b->r->c->expression, value->tensor);
    pair = b->r->c->pairs[number];
    read = arena_copy(b->r->c->arena, value, sizeof *value);
    read->tensor = b->r->made->tensors[number];
    if (pair.outer >= 0) {
        const struct affine **subscripts =
            (const struct affine **)merged_subscripts(b->r, value, pair);
        subscripts[pair.outer - (pair.outer > pair.inner)] =
            affine_variable(b->r->c->arena, b->merged);
        read->subscripts = subscripts;
    }
    return read;
}

static void merge_layout(struct layout *layout, struct pair pair) {
    int count = 0;
    for (int i = 0; i < layout->dimension_count; i++) {
        struct layout_dimension dimension = layout->dimensions[i];
        if (dimension.axis == pair.outer) { /* the next one is the inner axis */
            dimension.extent *= layout->dimensions[i + 1].extent;
            dimension.stride = layout->dimensions[i + 1].stride;
            i++;
        }
        dimension.axis -= dimension.axis > pair.inner;
        layout->dimensions[count++] = dimension;
    }
    layout->dimension_count = count;
}

static struct tensor *merged_tensor(struct rebuilding *r, int number) {
    const struct tensor *tensor = r->c->expression->tensors[number];
    struct pair pair = r->c->pairs[number];
    struct tensor *copy = arena_copy(r->c->arena, tensor, sizeof *tensor);
    struct body body = {r, NULL, NULL};
    if (pair.outer >= 0) {
        const struct variable *outer = tensor->axes[pair.outer], *inner = tensor->axes[pair.inner];
        const char *name = arena_format(r->c->arena, "%s%s", outer->name, inner->name);
        copy->rank = 0;
        body.outer = outer;
        body.merged = expression_axis(r->made, name, outer->extent * inner->extent);
        for (int i = 0; i < tensor->rank; i++)
            if (i != pair.inner)
                copy->axes[copy->rank++] = i == pair.outer ? body.merged : tensor->axes[i];
        merge_layout(&copy->layout, pair);
    }
    if (tensor->kind == TENSOR_COMPUTED)
        copy->body = value_rewrite(r->c->arena, tensor->body, change_read, &body);
    return copy;
}

static const struct expression *merge(struct collapsing *c) {
    struct rebuilding r = {c, expression_create(c->arena)};
    r.made->next_variable_id = c->expression->next_variable_id;
    for (int i = 0; i < c->expression->tensor_count; i++) {
        r.made->tensors[i] = merged_tensor(&r, i);
        r.made->tensor_count++;
    }
    return r.made;
}

/* A merged name must be new to every tensor and short enough. */
static bool names_fit(const struct collapsing *c) {
    for (int i = 0; i < c->expression->tensor_count; i++) {
        const struct tensor *tensor = c->expression->tensors[i];
        char name[2 * MAX_NAME];
        if (c->pairs[i].outer < 0)
            continue;
        if (strlen(tensor->axes[c->pairs[i].outer]->name) +
                strlen(tensor->axes[c->pairs[i].inner]->name) >=
            MAX_NAME)
            return false;
        strcpy(name, tensor->axes[c->pairs[i].outer]->name);
        strcat(name, tensor->axes[c->pairs[i].inner]->name);
        for (int j = 0; j < tensor->rank; j++)
            if (strcmp(tensor->axes[j]->name, name) == 0)
                return false;
        for (int j = 0; j < tensor->reduction_rank; j++)
            if (strcmp(tensor->reduction_axes[j]->name, name) == 0)
                return false;
    }
    return true;
}

const struct expression *expression_collapse(struct arena *arena,
                                             const struct expression *expression) {
    struct collapsing c = {.arena = arena, .expression = expression};
    bool merged = true;
    while (merged) {
        const struct tensor *result = c.expression->tensors[c.expression->tensor_count - 1];
        merged = false;
        for (int a = 0; a < result->rank && !merged; a++)
            for (int b = 0; b < result->rank && !merged; b++) {
                struct pair pair = {a, b};
                if (a == b || result->axes[a]->extent == 1 || result->axes[b]->extent == 1 ||
                    result->axes[a]->extent * result->axes[b]->extent > MAX_EXTENT ||
                    !spread(&c, pair) || !names_fit(&c))
                    continue;
                c.expression = merge(&c);
                merged = true;
            }
    }
    return c.expression;
}
