// SPDX-License-Identifier: MIT
/*
 * SLUB: debugging. What slub_debug= says, how objects are marked, and the checks.
 *
 * A check that fails reports, then mends what it can: overwritten bytes get back what belongs
 * there, a broken freelist is cut off, an object that cannot be trusted is never given out again.
 * So memory may be lost, as in Linux, but the cache goes on.
 */
#include "mm/slub_internal.h"

/* --- slub_debug= ------------------------------------------------------------------------------ */

static const struct {
	char letter;
	uint32_t flag;
} debug_letters[] = {
	{ 'f', SLAB_DEBUG_FREE }, { 'z', SLAB_RED_ZONE }, { 'p', SLAB_POISON },
	{ 'u', SLAB_STORE_USER }, { 't', SLAB_TRACE },
};

static uint32_t debug_flag(char letter)
{
	for (unsigned n = 0; n < ARRAY_SIZE(debug_letters); n++)
		if ((letter | 0x20) == debug_letters[n].letter)
			return debug_letters[n].flag;
	return 0;
}

/*
 *   slub_debug           all of FZPU, in all caches
 *   slub_debug=FZ        these
 *   slub_debug=,NAME     all of FZPU, in caches whose names begin with NAME
 *   slub_debug=P,NAME    this, there
 *   slub_debug=-         nothing
 *
 * Linux skips letters that it does not know; we ignore the whole option then.
 */
void slub_debug_setup(const char *value)
{
	const char *p = value;
	uint32_t flags = 0;

	if (!value || !strcmp(value, "-"))
		return;
	for (; *p && *p != ','; p++) {
		uint32_t flag = debug_flag(*p);

		if (!flag) {
			arch_printk("slub_debug=%s: option '%c' unknown, ignored\n", value, *p);
			return;
		}
		flags |= flag;
	}
	slub.debug = flags ? flags : DEBUG_DEFAULT_FLAGS;
	if (*p && p[1])
		slub.debug_slabs = p + 1;
}

uint32_t kmem_cache_flags(uint32_t flags, const char *name)
{
	const char *prefix = slub.debug_slabs;

	if (!prefix || !strncmp(name, prefix, strlen(prefix)))
		flags |= slub.debug;
	return flags;
}

/* --- marking ---------------------------------------------------------------------------------- */

void init_object(const struct kmem_cache *s, void *object, uint8_t red)
{
	uint8_t *p = object;

	if (s->flags & SLAB_OBJECT_POISON) {
		memset(p, POISON_FREE, s->objsize - 1);
		p[s->objsize - 1] = POISON_END;
	}
	if (s->flags & SLAB_RED_ZONE) {
		memset(p - s->red_left_pad, red, s->red_left_pad);
		memset(p + s->objsize, red, s->inuse - s->objsize);
	}
}

static void set_track(const struct kmem_cache *s, void *object, enum track_item item, vaddr_t addr)
{
	struct track *t = get_track(s, object, item);

	if (!(s->flags & SLAB_STORE_USER))
		return;
	/* One CPU, and no task that mm/ knows of. */
	*t = (struct track){ .addr = addr, .cpu = 0, .pid = 0, .when = addr ? arch_jiffies() : 0 };
}

void setup_object_debug(const struct kmem_cache *s, void *object)
{
	init_object(s, object, SLUB_RED_INACTIVE);
	set_track(s, object, TRACK_ALLOC, 0);
	set_track(s, object, TRACK_FREE, 0);
}

static void trace(const struct kmem_cache *s, const struct page *page, void *object, bool alloc)
{
	if (!(s->flags & SLAB_TRACE))
		return;
	arch_printk("TRACE %s %s 0x%08x inuse=%u fp=0x%08x\n", s->name, alloc ? "alloc" : "free",
		    arch_vaddr(object), page->inuse, arch_vaddr(page->freelist));
	if (!alloc)
		print_section("Object", object, s->objsize);
}

/* --- bytes ------------------------------------------------------------------------------------ */

struct byte_range {
	uint8_t *start, *end;
};

/* From the first to the last byte that is not `value`; empty if all are. */
static struct byte_range wrong_bytes(uint8_t *start, uint32_t bytes, uint8_t value)
{
	struct byte_range r = { start, start + bytes };

	while (r.start < r.end && *r.start == value)
		r.start++;
	while (r.end > r.start && r.end[-1] == value)
		r.end--;
	return r;
}

static void restore_bytes(const struct kmem_cache *s, struct byte_range r, uint8_t value)
{
	slab_fix(s, "Restoring 0x%08x-0x%08x=0x%x", arch_vaddr(r.start), arch_vaddr(r.end) - 1,
		 value);
	memset(r.start, value, (size_t)(r.end - r.start));
}

static bool check_bytes(struct kmem_cache *s, struct page *page, void *object, const char *what,
			uint8_t *start, uint8_t value, uint32_t bytes)
{
	struct byte_range r = wrong_bytes(start, bytes, value);

	if (r.start == r.end)
		return true;
	slab_bug(s, "%s overwritten", what);
	arch_printk("INFO: 0x%08x-0x%08x. First byte 0x%x instead of 0x%x\n", arch_vaddr(r.start),
		    arch_vaddr(r.end) - 1, *r.start, value);
	print_trailer(s, page, object);
	restore_bytes(s, r, value);
	return false;
}

/* What is left behind a slab's last slot. */
bool slab_pad_check(struct kmem_cache *s, struct page *page)
{
	uint32_t rest = slab_bytes(page) % s->size;
	uint8_t *pad = (uint8_t *)page_address(page) + slab_bytes(page) - rest;
	struct byte_range r;

	if (!(s->flags & SLAB_POISON))
		return true;
	r = wrong_bytes(pad, rest, POISON_INUSE);
	if (r.start == r.end)
		return true;
	slab_err(s, page, "Padding overwritten. 0x%08x-0x%08x", arch_vaddr(r.start),
		 arch_vaddr(r.end) - 1);
	print_section("Padding", pad, rest);
	restore_bytes(s, r, POISON_INUSE);
	return false;
}

/* --- objects ---------------------------------------------------------------------------------- */

bool check_valid_pointer(const struct kmem_cache *s, const struct page *page, const void *object)
{
	vaddr_t at = arch_vaddr(object) - arch_vaddr(slab_object(s, page, 0));

	return !object || (at < page->objects * s->size && at % s->size == 0);
}

static bool check_red_zones(struct kmem_cache *s, struct page *page, uint8_t *p, bool active)
{
	uint8_t red = active ? SLUB_RED_ACTIVE : SLUB_RED_INACTIVE;
	uint32_t behind = s->inuse - s->objsize;
	bool left_ok;

	if (s->flags & SLAB_RED_ZONE) {
		left_ok = check_bytes(s, page, p, "Left Redzone", p - s->red_left_pad, red,
				      s->red_left_pad);
		return check_bytes(s, page, p, "Redzone", p + s->objsize, red, behind) && left_ok;
	}
	/* Said and mended, but no reason to distrust the object. */
	if (s->flags & SLAB_POISON)
		check_bytes(s, page, p, "Alignment padding", p + s->objsize, POISON_INUSE, behind);
	return true;
}

static bool check_poison(struct kmem_cache *s, struct page *page, uint8_t *p)
{
	return check_bytes(s, page, p, "Poison", p, POISON_FREE, s->objsize - 1) &&
	       check_bytes(s, page, p, "Poison", p + s->objsize - 1, POISON_END, 1);
}

bool check_object(struct kmem_cache *s, struct page *page, void *object, bool active)
{
	uint32_t end = metadata_end(s), room = s->size - s->red_left_pad;
	uint8_t *p = object;

	if (!check_red_zones(s, page, p, active))
		return false;
	if (s->flags & SLAB_POISON) {
		if (!active && s->flags & SLAB_OBJECT_POISON && !check_poison(s, page, p))
			return false;
		check_bytes(s, page, p, "Object padding", p + end, POISON_INUSE, room - end);
	}
	/* In use, and its free pointer is where the caller's data are. */
	if (!s->offset && active)
		return true;
	if (!check_valid_pointer(s, page, get_freepointer(s, p))) {
		object_err(s, page, p, "Freepointer corrupt");
		/* The rest of the freelist is lost. */
		set_freepointer(s, p, NULL);
		return false;
	}
	return true;
}

/* --- slabs ------------------------------------------------------------------------------------ */

static bool check_slab(struct kmem_cache *s, struct page *page)
{
	uint32_t most = slab_bytes(page) / s->size;

	if (page->objects > most) {
		slab_err(s, page, "objects %u > max %u", page->objects, most);
		return false;
	}
	if (page->inuse > page->objects) {
		slab_err(s, page, "inuse %u > max %u", page->inuse, page->objects);
		return false;
	}
	/* Mended, and no object of it is in doubt. */
	slab_pad_check(s, page);
	return true;
}

static void clear_freelist(struct kmem_cache *s, struct page *page, const char *why)
{
	slab_err(s, page, "%s", why);
	page->freelist = NULL;
	page->inuse = page->objects;
	slab_fix(s, "Freelist cleared");
}

/*
 * The freelist as far as it is sound, and cut there. Returns how many objects it has; *found:
 * `wanted` too.
 */
static uint32_t walk_freelist(struct kmem_cache *s, struct page *page, const void *wanted,
			      bool *found)
{
	void *object = NULL, *next = page->freelist;
	uint32_t n = 0;

	for (; next; n++) {
		*found = next == wanted;
		if (*found)
			return n;
		if (check_valid_pointer(s, page, next) && n < page->objects) {
			object = next;
			next = get_freepointer(s, object);
			continue;
		}
		if (object && n < page->objects) {
			object_err(s, page, object, "Freechain corrupt");
			set_freepointer(s, object, NULL);
			return n;
		}
		/* Linux counts on, below 0, when there is a cycle. */
		clear_freelist(s, page, object ? "Freelist has a cycle" : "Freepointer corrupt");
		return 0;
	}
	return n;
}

/* Is it on the slab's freelist? If not, all of that was walked, and the counters are put right. */
static bool on_freelist(struct kmem_cache *s, struct page *page, const void *wanted)
{
	uint32_t most = slab_bytes(page) / s->size, free;
	bool found = false;

	free = walk_freelist(s, page, wanted, &found);
	if (found)
		return true;
	if (page->objects != most) {
		slab_err(s, page, "Wrong number of objects. Found %u but should be %u",
			 page->objects, most);
		page->objects = (uint16_t)most;
		slab_fix(s, "Number of objects adjusted.");
	}
	if (page->inuse + free != page->objects) {
		slab_err(s, page, "Wrong object count. Counter is %u but counted were %u",
			 page->inuse, page->objects - free);
		page->inuse = (uint16_t)(page->objects - free);
		slab_fix(s, "Object count adjusted.");
	}
	return false;
}

/* --- called for each object that comes and goes ----------------------------------------------- */

static bool may_be_given_out(struct kmem_cache *s, struct page *page, void *object)
{
	if (!check_slab(s, page))
		return false;
	if (!check_valid_pointer(s, page, object)) {
		/* Linux shows what it points at; that may be nothing. */
		slab_err(s, page, "Freelist Pointer check fails");
		return false;
	}
	return check_object(s, page, object, false);
}

/*
 * Nothing in this slab is trusted any more; what is out may still come back. The rest is lost, and
 * looks as if it were out (which Linux leaves undone), so that later checks do not stumble over it.
 */
static void mark_all_used(struct kmem_cache *s, struct page *page)
{
	slab_fix(s, "Marking all objects used");
	page->inuse = page->objects;
	page->freelist = NULL;
	if (!(s->flags & SLAB_RED_ZONE))
		return;
	for (uint32_t n = 0; n < page->objects; n++) {
		uint8_t *p = slab_object(s, page, n);

		if (p[s->objsize] == SLUB_RED_INACTIVE)
			init_object(s, p, SLUB_RED_ACTIVE);
	}
}

bool alloc_debug_processing(struct kmem_cache *s, struct page *page, void *object, vaddr_t caller)
{
	if (!may_be_given_out(s, page, object)) {
		mark_all_used(s, page);
		return false;
	}
	set_track(s, object, TRACK_ALLOC, caller);
	trace(s, page, object, true);
	init_object(s, object, SLUB_RED_ACTIVE);
	return true;
}

static bool may_be_freed(struct kmem_cache *s, struct page *page, void *object)
{
	if (!check_slab(s, page))
		return false;
	if (!check_valid_pointer(s, page, object)) {
		slab_err(s, page, "Invalid object pointer 0x%08x", arch_vaddr(object));
		return false;
	}
	if (on_freelist(s, page, object)) {
		object_err(s, page, object, "Object already free");
		return false;
	}
	return true;
}

bool free_debug_processing(struct kmem_cache *s, struct page *page, void *object, vaddr_t caller)
{
	if (!may_be_freed(s, page, object)) {
		slab_fix(s, "Object at 0x%08x not freed", arch_vaddr(object));
		return false;
	}
	/* Mended but kept: who wrote outside of it may do so again. */
	if (!check_object(s, page, object, true))
		return false;
	set_track(s, object, TRACK_FREE, caller);
	trace(s, page, object, false);
	init_object(s, object, SLUB_RED_INACTIVE);
	return true;
}
