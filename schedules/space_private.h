/* What the files of spaces share; private to this folder.
 *
 * For each group of the expression (structure.h) a space has these knobs, prefixed "NAME." with the
 * outer stage's name if there are several groups:
 *
 *     vector            the axis whose neighbours fill a vector
 *     vectors           how many vectors the register tile has along it
 *     tile.AXIS         extent of the register tile along each other axis
 *     unroll.AXIS       of a reduction axis: how many trips are written out
 *     order.reduction   order of the reduction loops inside the tile
 *     block.AXIS        tiles along the axis that form a cache block; 0: no blocks
 *     split.AXIS        of a reduction axis: trips of a cache block; 0: the reduction is one; 1:
 *                       each trip goes along all tiles, in the order of what is read
 *     order             order of the loops around the tile
 *     pack.TENSOR       whether what is read is copied first to an order that suits the tile
 *     accumulators.AXIS of the longest reduction: partial results of each element in the tile
 *     parallel          with several threads: whether they share the nest
 *     pad.TENSOR        of a group that others read: cache lines between its rows
 *     parts.AXIS        of the longest reduction: parts that threads share, whose results a second
 *                       nest combines
 *
 * In steps:
 *
 *     split each axis by its tile; blocks again
 *     reorder: block loops, split reductions, tile loops | reductions, written-out trips, the tile
 */
#ifndef SCHEDULES_SPACE_PRIVATE_H
#define SCHEDULES_SPACE_PRIVATE_H

#include "schedules/space.h"
#include "schedules/structure.h"
#include "schedules/tile_bound.h"

enum {
    NO_KNOB = -1,
    SPACE_MAX_VARIANTS = 8,
    FULL_UNROLL = 11, /* reductions up to this may be written out whole */
};

/* All variants together may take so many times the code of one: more than an instruction cache
 * holds takes milliseconds to make and is not fast. */
#define SPACE_CODE_OF_ALL 1.25

/* A tile that the model says takes so many times the default's cycles is not tried. */
#define SPACE_HOPELESS 2.0

/* The same for a point's cycles with the traffic between caches, of which the model knows less. */
#define SPACE_HOPELESS_TRAFFIC 2.5

/* Elements are moved once where a tensor has at least so many for each trip of all loops. */
#define SPACE_SHARE_ONCE 0.75

struct group_knobs {
    int first, count;  /* all of them are numbered from `first` on */
    int vectors_tried; /* of the choices of `vector`, as defaults; space_shrink.c */
    int vector, vectors;
    int tile[MAX_RANK];
    int block[MAX_RANK];
    int unroll[MAX_RANK];
    int split[MAX_RANK];
    int reduction_order;
    int order;
    int pack[MAX_READS];
    int accumulators, parallel, parts;
    int prefetch;
    /* permutations behind the labels of the order knobs */
    int reduction_permutations[MAX_CHOICES][MAX_RANK];
    int order_count; /* axes that are permuted: extent > 1 */
    int order_permutations[MAX_CHOICES][MAX_RANK];
    int vector_axes[MAX_CHOICES]; /* axis numbers; -1: none */
};

/* A buffer between groups whose rows may lie further apart. */
struct space_padding {
    const struct tensor *tensor;
    int knob, dimension;
    const char *piece;    /* the dimension's name */
    struct layout layout; /* padded */
};

struct space_rules {
    struct structure structure;
    int padding_count;
    struct space_padding paddings[MAX_GROUPS];
    struct group *padded[MAX_GROUPS]; /* the groups with all of them padded; NULL: no difference */
    struct group_knobs knobs[MAX_GROUPS];
    double least_cycles[MAX_GROUPS]; /* of the default tile, by the model */
    double least_score;              /* of the default, with the traffic; INFINITY: not known yet */
};

/* A point's choices for one group, in plain words. */
struct group_choice {
    int vector;           /* axis whose neighbours are lanes, or -1 */
    int vector_reduction; /* or reduction axis, or -1 */
    int64_t lane_trips;   /* of that reduction: trips of the loop that is vectorised */
    int64_t tile[MAX_RANK], block[MAX_RANK], unroll[MAX_RANK], split[MAX_RANK];
    const int *reduction_order, *order; /* NULL: as the axes come */
    int order_count;
    bool pack[MAX_READS];
    int inner_loops;      /* loops around the register tile that are part of its code */
    int threads;          /* that share the nest: 1 or the space's */
    int longest;          /* reduction that the next are about; -1: none */
    int64_t accumulators; /* of each element; 1: one */
    int64_t parts;        /* 1: none */
    bool is_ragged;       /* the nest of the parts: the last one is shorter */
    bool prefetch;        /* tiles ask for the lines that they will write */
};

/* The choices for a group as the expression has it. */
void space_choose(const struct space *space, int group, const int *point,
                  struct group_choice *choice);

/* A nest of a point: the group, or where its reduction is in parts the nest that makes the partial
 * results. Its first axis then are the parts, and it has no epilogue. */
struct space_nest {
    const struct group *group;
    struct group_choice choice;
    struct group partial; /* what `group` and `choice` point to then */
    struct group padded;  /* or where something that the group touches is padded */
    int order[MAX_RANK];
};

/* Padding: the knobs, once the groups have theirs; whether a point has chosen one; the group with
 * the strides that a point gives it, which `storage` keeps if they are not those of the structure;
 * and the steps. */
void space_add_padding_knobs(struct space *space, struct space_rules *rules);
int64_t space_padding_lines(const struct space *space, const struct space_padding *padding,
                            const int *point);
const struct group *space_padded_group(const struct space *space, int group, const int *point,
                                       struct group *storage);
dlt_status space_pad(const struct space *space, const int *point, struct schedule *schedule,
                     struct error *error);

void space_choose_nest(const struct space *space, int group, const int *point,
                       struct space_nest *nest);
void space_divide(const struct space *space, const struct group *group,
                  const struct group_choice *choice, struct space_nest *nest);

/* The nest that combines partial results, with its choices. `order` keeps MAX_RANK numbers for
 * them. */
void space_combine(const struct space *space, const struct group *group,
                   const struct group_choice *choice, struct space_nest *nest);

/* The longest reduction that may be in parts: no border depends on it, nor blocks in memory; -1:
 * none. */
int space_longest_reduction(const struct group *group);

/* Knobs. Numbers are kept ascending, once each; the first label or number is the default until
 * another is preferred. NULL if there are too many knobs. */
struct knob *space_add_knob(struct space *space, const char *prefix, const char *name,
                            const char *help, bool ordered, int *number);
void space_add_number(struct knob *knob, int64_t value);
void space_add_label(struct knob *knob, const char *label);

void space_add_reduction_knobs(struct space *space, const char *prefix, const struct group *group,
                               struct group_knobs *knobs);

/* Threads. */

/* Whether a loop of so many trips gives all threads about the same: else the next is merged into
 * it. */
bool space_enough_trips(int64_t trips, int threads);
/* Wall cycles of a nest that takes so many on one thread, with `trips` to give to threads. */
double space_shared_cycles(const struct space *space, double cycles, int64_t trips, int threads);

/* Whether threads gain more than it costs to set them to work. */
bool space_may_share(const struct space *space, const struct group *group);

int space_lanes(const struct space *space);

/* All orders of `count` things in lexicographic order, as many as fit; how many. */
int space_permutations(int count, int (*list)[MAX_RANK]);

/* What reads or writes each element once is short for a call: the innermost loops around its
 * register tile become counted loops of the code. With several threads the outermost stays
 * outside. */
int space_inner_loops(const struct group *group, int threads);
void space_choose_inner_loops(const struct group *group, struct group_choice *choice);

/* Strides of lanes that are picked from plain loads (ir/deinterleave_loads.c). */
enum {
    EVERY_SECOND = 2,
    EVERY_FOURTH = 4
};

/* How the choices of the knob `vector` are numbered: axes from 0, reduction axes from here. */
enum {
    FIRST_REDUCTION = 100
};

/* Values of the knobs `pack`, and of `parallel`. */
enum {
    PACK_NO,
    PACK_YES
};
enum {
    PARALLEL_YES,
    PARALLEL_NO
};

/* Leaves one choice to each knob of a nest. */
void space_fix_knobs(struct space *space, int nest);

/* Extent of the tile along the vector axis: so many vectors, no more than the axis or its
 * alignment. */
int64_t space_vector_tile(const struct space *space, const struct group *group, int axis,
                          int64_t vectors);

/* The same along a reduction axis. */
int64_t space_lane_trips(const struct space *space, const struct group *group, int reduction,
                         int64_t vectors);

/* Sets vector and vector_reduction from a numbered choice. */
void space_choose_vector(int number, struct group_choice *choice);

/* Vectors that so many elements take. */
int64_t space_vectors(const struct space *space, int64_t extent);

/* The static bound of a whole tile; and, for a tile of other extents (a rest), only what its trips
 * and its stores keep busy. The latter returns the vectors of terms that a trip combines. */
void space_bound_tile(const struct space *space, const struct group *group,
                      const struct group_choice *choice, struct tile_bound *bound);
double space_bound_slots(const struct space *space, const struct group *group,
                         const struct group_choice *choice, const int64_t *tile,
                         struct tile_bound *bound);
/* Elements of a tensor, its layout's padding left aside. */
double space_elements(const struct tensor *tensor);

/* Elements times terms of a nest. */
double space_trips(const struct group *group);

/* Whether the group needs about as many elements of this read as the tensor has: then a copy of it
 * never pays. */
bool space_reads_once(const struct group *group, const struct group_read *read);

/* Whether most of what it does is to read something once, or to write it. */
bool space_is_moving(const struct group *group);

/* What is read once, row after row, is read fastest in the order in which it lies, however often
 * the sums are taken up again: whether each trip of the reduction may go along a whole row. */
bool space_goes_along_rows(const struct space *space, const struct group *group, int reduction);

/* Registers that the tile needs. */
int64_t space_registers(const struct space *space, const struct group *group,
                        const struct group_choice *choice);

/* DLT_ERROR_REFUSED if the tile asks for more registers, variants or code than there may be. */
dlt_status space_check_bound(const struct space *space, const struct tile_bound *bound,
                             struct error *error);

/* Estimated cycles of one call: the tile's static bound times the tiles; +infinity if the tile is
 * refused. */
double space_estimate(const struct space *space, const struct group *group,
                      const struct group_choice *choice, const struct tile_bound *bound);

/* The part of them that is lost to lines that the caches do not fetch ahead. */
double space_late_cycles(const struct space *space, const struct group *group,
                         const struct group_choice *choice);

/* Variants of the tile that ragged edges and borders ask for. */
int64_t space_variants(const struct group *group, const struct group_choice *choice);

/* Whether these are more than there is code for, so that the tile computes masks. */
bool space_computes_borders(const struct group *group, const struct group_choice *choice);

/* How many times the code of a whole tile in the middle all variants have. */
double space_code_share(const struct group *group, const struct group_choice *choice);
/* Whether a loop that is part of the code ends early both for want of blocks and of a whole tile:
 * it would have to be cut where only a run can tell. */
bool space_has_ragged_block(const struct group *group, const struct group_choice *choice, int axis);

/* Kinds of tiles along an axis whose loop is part of the code, else 1. */
int64_t space_inner_classes(const struct group *group, const struct group_choice *choice, int axis);

/* Whether rows of the tile are columns in memory: in registers each is exchanged a few times. */
bool space_transposes(const struct group *group, const struct group_choice *choice);

/* True if packing for this vector axis puts the tensor's neighbours along it next to each other. */
bool space_can_pack(const struct group *group, const struct group_read *read, int axis);

/* Whether the neighbours along this axis are read lane by lane: those next to each other, and every
 * second or fourth one, are not. */
bool space_gathers(const struct group *group, const struct group_read *read, int axis);

/* The axis of the tensor whose tile becomes innermost when packed, or -1. */
int space_packed_axis(const struct group *group, const struct group_read *read,
                      const struct group_choice *choice);

/* Makes a value the first choice; the others keep their order. */
void knob_prefer(struct knob *knob, int64_t value);

/* The default of one group's tile: its knobs take the cheapest by the model among all vector axes
 * and tiles. Its cycles. Then the default of all knobs, by the model of traffic too. */
double space_prefer_tile(struct space *space, const struct group *group, struct group_knobs *knobs);
void space_prefer_by_traffic(struct space *space);

#endif
