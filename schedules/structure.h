/* The structure of an expression, as far as spaces need it; private to this folder.
 *
 * The computed stages fall into groups. A group is one nest of loops: its *outer* stage, at the
 * root, and perhaps a reduction attached inside its tile (the outer stage is then an epilogue that
 * reads the reduction at its own axes). What a group's compute stage reads, with the stride of each
 * read along each axis, is all that the rules look at. */
#ifndef SCHEDULES_STRUCTURE_H
#define SCHEDULES_STRUCTURE_H

#include "schedules/schedule.h"

enum {
    MAX_READS = 8,
    MAX_GROUPS = MAX_TENSORS
};

#define STRIDE_NONLINEAR INT64_MIN

struct group_axis {
    const char *name;
    int64_t extent;
    int64_t alignment;               /* tiles along it must divide this; 0: any */
    bool borders_serially;           /* each condition that uses it uses one reduction axis */
    unsigned border_reductions;      /* set of the reduction axes that its conditions use */
    int64_t border_low, border_high; /* how many of its first and last values conditions may rule
                                        out terms of */
    unsigned border_axes;  /* set of the other axes in the same conditions: they move the borders */
    int64_t output_stride; /* elements; within a block */
    int64_t output_block;  /* of the result's layout along it; 0: it is in one piece */
};

struct group_reduction {
    const char *name;
    int64_t extent;
    bool borders; /* conditions depend on it */
};

struct group_read {
    const struct tensor *tensor;
    const struct tensor
        *buffer; /* the same, or what it reads at its own axes where it is inlined */
    const struct affine *const *subscripts;
    bool is_parameter;         /* may be packed ahead */
    bool is_packed_elsewhere;  /* a copy in the order of a tile is for another nest to have */
    int64_t strides[MAX_RANK]; /* along the group's axes; STRIDE_NONLINEAR */
    int64_t reduction_strides[MAX_RANK];
    int axis_of[MAX_RANK]; /* for each axis of the tensor: the group axis that is its subscript */
    int reduction_of[MAX_RANK]; /* likewise the reduction axis; -1 */
};

struct group {
    const struct tensor *outer, *compute; /* the same unless fused */
    bool fused;
    bool is_ahead; /* follows from parameters alone: computed with the packing */
    int axis_count;
    struct group_axis axes[MAX_RANK];
    int reduction_count;
    struct group_reduction reductions[MAX_RANK];
    int read_count;
    struct group_read reads[MAX_READS];
    bool keeps_loops_outside; /* no loops around the register tile are part of its code */
    bool computes_borders;    /* no tile has few enough variants: what is beyond them is computed */
    bool is_unlimited;        /* no tile is small enough by the rules: the target shall tell */
    int arithmetic;           /* vector operations of one term of the compute stage, about */
    int products;             /* of these, products, with or without a sum */
    int epilogue_operations;  /* of the outer stage, if fused */
    int temporaries;          /* registers that functions in either need beside the accumulators */
};

struct structure {
    int inlined_count;
    const struct tensor *inlined[MAX_TENSORS]; /* element-wise stages in the middle */
    int group_count;
    struct group groups[MAX_GROUPS];
};

/* The strides of a read, or of what the group writes, where that tensor lies in another layout. */
void structure_read_strides(struct arena *arena, const struct group *group,
                            const struct layout *layout, struct group_read *read);
void structure_output_strides(struct arena *arena, const struct layout *layout,
                              struct group *group);

dlt_status structure_find(struct arena *arena, const struct expression *expression,
                          struct structure *structure, struct error *error);

#endif
