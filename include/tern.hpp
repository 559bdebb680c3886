/*
 * libtern: an embeddable BitTorrent engine. C++17 interface, in this header alone.
 *
 * This file is generated (cargo run -p xtask -- header). SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Every function of tern.h is here: as a method of the class of its object, or as a free function of
 * namespace `tern`. Objects are owned by move-only classes; `get()` gives the C object for whatever
 * else is to be done with it. Failures are thrown as `tern::error`, from this header: no exception
 * ever crosses the library, and what a hook throws is caught here and answered as FAIL. Threads and
 * lifetimes are those of tern.h, which is the reference.
 *
 *     tern::config config;
 *     config.set_str(TERN_OPT_LISTEN, "0.0.0.0:6881");
 *     tern::session session(config);
 *     tern::add add;
 *     add.set_metainfo_file("x.torrent");
 *     add.set_save_path("downloads");
 *     tern::torrent torrent = session.add(add);
 */

#ifndef TERN_HPP
#define TERN_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tern.h"

namespace tern {

/// Bytes that somebody else owns. Whose they are is said where one is given.
struct bytes_view {
    const std::uint8_t *ptr = nullptr;
    std::size_t len = 0;

    bytes_view() noexcept = default;
    bytes_view(const std::uint8_t *data, std::size_t length) noexcept : ptr(data), len(length) {}
    bytes_view(tern_bytes view) noexcept : ptr(view.ptr), len(view.len) {}
    bytes_view(const std::vector<std::uint8_t> &all) noexcept : ptr(all.data()), len(all.size()) {}
    explicit bytes_view(std::string_view text) noexcept
        : ptr(reinterpret_cast<const std::uint8_t *>(text.data())), len(text.size())
    {
    }

    /// The same as text.
    std::string_view str() const noexcept
    {
        return len ? std::string_view(reinterpret_cast<const char *>(ptr), len) : std::string_view();
    }
    bool empty() const noexcept { return len == 0; }
    std::size_t size() const noexcept { return len; }
    const std::uint8_t *data() const noexcept { return ptr; }
    const std::uint8_t *begin() const noexcept { return ptr; }
    const std::uint8_t *end() const noexcept { return ptr + len; }
};

/// What an event or a snapshot calls `tern_bytes`, as text.
inline std::string_view text(tern_bytes view) noexcept { return bytes_view(view).str(); }

/// Bytes the library gave away. Move-only.
class buf {
public:
    buf() noexcept = default;
    explicit buf(tern_buf owned) noexcept : buf_(owned) {}
    buf(buf &&other) noexcept : buf_(std::exchange(other.buf_, tern_buf{nullptr, 0})) {}
    buf &operator=(buf &&other) noexcept
    {
        std::swap(buf_, other.buf_);
        return *this;
    }
    ~buf() { tern_buf_free(&buf_); }

    bytes_view view() const noexcept { return {buf_.ptr, buf_.len}; }
    operator bytes_view() const noexcept { return view(); }
    std::string_view str() const noexcept { return view().str(); }
    bool empty() const noexcept { return buf_.len == 0; }
    std::size_t size() const noexcept { return buf_.len; }
    const std::uint8_t *data() const noexcept { return buf_.ptr; }

private:
    tern_buf buf_ = {nullptr, 0};
};

/// A call failed. `what()` is the library's line for people.
class error : public std::runtime_error {
public:
    /// Takes over `object`, which may be NULL.
    error(tern_result code, tern_error *object)
        : error(code, std::unique_ptr<tern_error, void (*)(tern_error *)>(object, tern_error_free))
    {
    }

    /// `TERN_E_*`.
    tern_result code() const noexcept { return code_; }
    /// See `tern_error_detail`.
    std::int32_t detail() const noexcept { return detail_; }
    /// The system's error number, 0 when there is none.
    std::int32_t os_errno() const noexcept { return errno_; }
    /// The file concerned, empty when there is none.
    const std::string &path() const noexcept { return path_; }
    /// Number of the torrent concerned, 0 when there is none.
    std::uint64_t torrent() const noexcept { return torrent_; }

private:
    error(tern_result code, std::unique_ptr<tern_error, void (*)(tern_error *)> object)
        : std::runtime_error(object ? tern_error_message(object.get()) : tern_result_text(code)),
          code_(code), detail_(tern_error_detail(object.get())),
          errno_(tern_error_errno(object.get())), torrent_(tern_error_torrent(object.get())),
          path_(object ? text(tern_error_path(object.get())) : std::string_view())
    {
    }

    tern_result code_;
    std::int32_t detail_;
    std::int32_t errno_;
    std::uint64_t torrent_;
    std::string path_;
};

namespace detail {

/// Owns a C object.
template <class T, void (*Free)(T *)> class handle {
public:
    handle() noexcept = default;
    /// Takes over `object`, which may be NULL.
    explicit handle(T *object) noexcept : object_(object) {}
    handle(handle &&other) noexcept : object_(other.release()) {}
    handle &operator=(handle &&other) noexcept
    {
        reset(other.release());
        return *this;
    }
    ~handle() { Free(object_); }

    /// The C object, still ours. NULL after a move; every call then fails with `TERN_E_INVALID`.
    T *get() const noexcept { return object_; }
    /// The C object, the caller's from now on.
    T *release() noexcept { return std::exchange(object_, nullptr); }
    /// Gives up the object and takes over another.
    void reset(T *object = nullptr) noexcept { Free(std::exchange(object_, object)); }
    explicit operator bool() const noexcept { return object_ != nullptr; }

private:
    T *object_ = nullptr;
};

/// The result of a call, unless it failed.
inline tern_result check(tern_result result, tern_error *err)
{
    if (result < 0)
        throw error(result, err);
    return result;
}

/// Calls a function that fills an array as often as the array grows.
template <class Item, class F> std::vector<Item> array(F fill)
{
    std::vector<Item> items;
    for (;;) {
        tern_error *err = nullptr;
        std::size_t length = 0;
        const std::size_t capacity = items.size();
        const tern_result result = fill(items.data(), capacity, &length, &err);
        if (result < 0 && (result != TERN_E_RANGE || length <= capacity))
            throw error(result, err);
        tern_error_free(err);
        items.resize(length);
        if (result >= 0 && length <= capacity)
            return items;
    }
}

/// The same for objects, which are owned from the moment they are there.
template <class Class, class Item, class F> std::vector<Class> handles(F fill)
{
    std::size_t capacity = 0;
    for (;;) {
        std::vector<Item> raw(capacity, nullptr);
        std::vector<Class> owned;
        owned.reserve(capacity);
        tern_error *err = nullptr;
        std::size_t length = 0;
        const tern_result result = fill(raw.data(), capacity, &length, &err);
        for (Item object : raw)
            if (object)
                owned.emplace_back(object);
        if (result < 0 && (result != TERN_E_RANGE || length <= capacity))
            throw error(result, err);
        tern_error_free(err);
        if (result >= 0 && length <= capacity)
            return owned;
        capacity = length;
    }
}

/// Counts through something with `len()` and `get(index)`.
template <class T> struct iterator {
    const T *all;
    std::size_t at;

    auto operator*() const { return all->get(at); }
    iterator &operator++() noexcept
    {
        ++at;
        return *this;
    }
    bool operator!=(const iterator &other) const noexcept { return at != other.at; }
};

/// An INLINE hook: no exception leaves it.
template <class F>
std::int32_t hook(void *user, const tern_event *request, std::int64_t *detail) noexcept
{
    try {
        F &f = *static_cast<F *>(user);
        if constexpr (std::is_invocable_r_v<std::int32_t, F &, const tern_event &, std::int64_t &>)
            return f(*request, *detail);
        else
            return f(*request);
    } catch (...) {
        return TERN_VERDICT_FAIL;
    }
}

template <class F> void destroy(void *user) noexcept { delete static_cast<F *>(user); }

/// Progress: no exception leaves it, it cancels.
template <class F>
std::int32_t progress(void *user, std::uint64_t done, std::uint64_t total) noexcept
{
    try {
        return (*static_cast<F *>(user))(done, total);
    } catch (...) {
        return 1;
    }
}

} // namespace detail

class config;
class metainfo;
class create;
class add;
class batch;
class peers;
class trackers;
class torrent;
class session;

/// Owns a `tern_config`. Move-only.
class config : public detail::handle<tern_config, tern_config_free> {
public:
    using handle::handle;

    /// An empty set of option values: everything default. NULL only after a defect of the library.
    config();

    /// Sets an integer option. `TERN_E_UNKNOWN_OPTION`, `TERN_E_TYPE`, `TERN_E_RANGE`.
    void set_int(std::uint32_t option, std::int64_t value);

    /// Sets a yes-or-no option: 0 is no, everything else is yes.
    void set_bool(std::uint32_t option, std::int32_t value);

    /// Sets a text option. The text is UTF-8 and copied.
    void set_str(std::uint32_t option, std::string_view value);

    /// Sets a bytes option. The bytes are copied.
    void set_bytes(std::uint32_t option, bytes_view value);

    /// Sets a floating point option.
    void set_double(std::uint32_t option, double value);

    /// Sets an option of any type by name from text: a decimal number; `true`, `false`, `1`, `0`;
    /// text and bytes as they are.
    void set_text(std::string_view name, std::string_view value);

    /// Reads an integer option (its default when it was not set).
    std::int64_t get_int(std::uint32_t option) const;

    /// Reads a yes-or-no option as 1 or 0.
    std::int32_t get_bool(std::uint32_t option) const;

    /// Reads a text option. Lives until the option is set again or the config is freed.
    bytes_view get_str(std::uint32_t option) const;

    /// Reads a bytes option. Lives until the option is set again or the config is freed.
    bytes_view get_bytes(std::uint32_t option) const;

    /// Reads a floating point option.
    double get_double(std::uint32_t option) const;
};

/// Owns a `tern_metainfo`. Move-only.
class metainfo : public detail::handle<tern_metainfo, tern_metainfo_free> {
public:
    using handle::handle;

    /// Parses the bytes of a `.torrent` file. `TERN_E_METAINFO`, `TERN_E_UNSUPPORTED` (v2 only).
    static tern::metainfo parse(bytes_view bytes);

    /// Reads and parses a `.torrent` file.
    static tern::metainfo load(std::string_view path);

    /// The 20 bytes of the info-hash. Owned by the metainfo.
    bytes_view info_hash() const;

    /// The name, made safe for file systems. Owned by the metainfo.
    bytes_view name() const;

    /// The name as the file gives it. Owned by the metainfo.
    bytes_view name_raw() const;

    /// The comment, empty when there is none. Owned by the metainfo.
    bytes_view comment() const;

    /// The program that made it, empty when not told. Owned by the metainfo.
    bytes_view created_by() const;

    /// `source` of private trackers, empty when there is none. Owned by the metainfo.
    bytes_view source() const;

    /// When it was made, seconds since 1970, 0 when not told.
    std::int64_t creation_date() const;

    /// 1 when private (BEP 27).
    std::int32_t is_private() const;

    /// 1 when its files lie under a directory named as the torrent.
    std::int32_t is_multi_file() const;

    /// Bytes of all files, padding included.
    std::uint64_t total_size() const;

    /// Nominal bytes of a piece.
    std::uint32_t piece_length() const;

    /// Actual bytes of this piece, 0 when there is no such piece.
    std::uint32_t piece_size(std::uint32_t piece) const;

    /// Number of pieces.
    std::uint32_t piece_count() const;

    /// SHA-1 of a piece, 20 bytes, empty when there is no such piece. Owned by the metainfo.
    bytes_view piece_hash(std::uint32_t piece) const;

    /// Number of files, padding included.
    std::uint32_t file_count() const;

    /// One file.
    tern_file_info file(std::uint32_t file) const;

    /// One component of a file's path as the `.torrent` gives it, empty when there is none. Owned by
    /// the metainfo.
    bytes_view file_component(std::uint32_t file, std::uint32_t component) const;

    /// Number of trackers in all tiers.
    std::uint32_t tracker_count() const;

    /// URL of a tracker, and its tier (`out_tier` may be NULL). Empty when there is none. Owned by the
    /// metainfo.
    bytes_view tracker(std::uint32_t index, std::uint32_t *out_tier = nullptr) const;

    /// Number of web seeds (BEP 19).
    std::uint32_t web_seed_count() const;

    /// URL of a web seed, empty when there is none. Owned by the metainfo.
    bytes_view web_seed(std::uint32_t index) const;

    /// Number of DHT nodes (BEP 5).
    std::uint32_t node_count() const;

    /// Host of a DHT node, and its port (`out_port` may be NULL). Empty when there is none. Owned by
    /// the metainfo.
    bytes_view node(std::uint32_t index, std::uint16_t *out_port = nullptr) const;

    /// The magnet link: info-hash, name, length, trackers and web seeds.
    buf take_magnet() const;

    /// The `info` dictionary, verbatim. Owned by the metainfo.
    bytes_view info_bytes() const;

    /// The whole file, verbatim. Owned by the metainfo.
    bytes_view bytes() const;
};

/// Owns a `tern_create`. Move-only.
class create : public detail::handle<tern_create, tern_create_free> {
public:
    using handle::handle;

    /// A new job for a file or directory. It is not looked at yet.
    explicit create(std::string_view path);

    /// Bytes of a piece: a power of two of at least 16 KiB; 0 (the default) chooses by size.
    void set_piece_length(std::uint32_t bytes);

    /// Another name than the path's last component.
    void set_name(std::string_view name);

    /// Free text.
    void set_comment(std::string_view comment);

    /// Creating program; empty leaves it out.
    void set_created_by(std::string_view program);

    /// Seconds since 1970; 0 leaves it out. The default is the time of the run.
    void set_creation_date(std::int64_t seconds);

    /// `source` of private trackers.
    void set_source(std::string_view source);

    /// Private (BEP 27).
    void set_private(std::int32_t is_private);

    /// `TERN_CREATE_*` bits.
    void set_flags(std::uint32_t flags);

    /// Threads that read and hash while a run or a step goes on; 0 (the default) takes one per
    /// processor, at most eight.
    void set_threads(std::uint32_t threads);

    /// Instructions to hash with, as `TERN_OPT_HASH_PATH`. `TERN_E_INVALID` when there is no such path,
    /// or not on this machine.
    void set_hash_path(std::string_view path);

    /// One more tracker, in this tier.
    void add_tracker(std::uint32_t tier, std::string_view url);

    /// One more web seed (BEP 19).
    void add_web_seed(std::string_view url);

    /// Reads and hashes everything, with threads that end with it, and gives the `.torrent` file's
    /// bytes. `progress` may be NULL. `TERN_E_CANCELLED` when it asks for that, `TERN_E_IO`.
    buf run(tern_progress_fn progress, void *user);

    /// The same with anything that can be called with `(done, total)` and gives 0 to go on.
    template <class F> buf run(F f) { return run(&detail::progress<F>, &f); }

    /// The same without progress.
    buf run() { return run(nullptr, nullptr); }

    /// The same in slices, for hosts that want no callback: reads and hashes up to about `max_bytes`
    /// (sixteen pieces per thread and more are fast, single pieces are not),
    /// then returns 1 when all is hashed, 0 when not, or a negative `TERN_E_*`. `out_done` and
    /// `out_total` (bytes) may be NULL.
    std::int32_t step(std::uint64_t max_bytes, std::uint64_t *out_done = nullptr, std::uint64_t *out_total = nullptr);

    /// After `tern_create_step` returned 1: the `.torrent` file's bytes.
    buf take();
};

/// Owns a `tern_add`. Move-only.
class add : public detail::handle<tern_add, tern_add_free> {
public:
    using handle::handle;

    /// Sets the verifier the torrent starts with. It moves to the torrent in `tern_session_add`.
    void set_verify_hook(std::int32_t mode, std::uint32_t flags, tern_hook_fn hook, void *user, tern_destroy_fn destroy);

    /// The same, INLINE, with anything that can be called with `(const tern_event &)` or `(const
    /// tern_event &, std::int64_t &detail)` and gives a `TERN_VERDICT_*`; what it throws becomes
    /// FAIL. It is destroyed when the library is done with it.
    template <class F> void set_verify_hook(F f, std::uint32_t flags = 0)
    {
        auto kept = std::make_unique<F>(std::move(f));
        set_verify_hook(TERN_HOOK_INLINE, flags, &detail::hook<F>, kept.release(), &detail::destroy<F>);
    }

    /// Sets the saver the torrent starts with. It moves to the torrent in `tern_session_add`.
    void set_save_hook(std::int32_t mode, std::uint32_t flags, tern_hook_fn hook, void *user, tern_destroy_fn destroy);

    /// The same, INLINE, with anything that can be called with `(const tern_event &)` or `(const
    /// tern_event &, std::int64_t &detail)` and gives a `TERN_VERDICT_*`; what it throws becomes
    /// FAIL. It is destroyed when the library is done with it.
    template <class F> void set_save_hook(F f, std::uint32_t flags = 0)
    {
        auto kept = std::make_unique<F>(std::move(f));
        set_save_hook(TERN_HOOK_INLINE, flags, &detail::hook<F>, kept.release(), &detail::destroy<F>);
    }

    /// An empty builder. It needs metainfo (or resume data that embeds it) and a save path.
    add();

    /// The torrent, as the bytes of a `.torrent` file.
    void set_metainfo(bytes_view bytes);

    /// The torrent, read from a `.torrent` file now.
    void set_metainfo_file(std::string_view path);

    /// The torrent, as parsed metainfo. It is copied (cheaply).
    void set_metainfo_object(const tern::metainfo &m);

    /// The torrent, as a magnet link (BEP 9): its metadata comes from peers, or from where the link
    /// says, and `TERN_EVENT_METADATA` tells. The link's trackers, peers (`x.pe`), sources (`xs`,
    /// `as`), web seeds, name and selection of files (BEP 53) are taken over. `TERN_E_MAGNET`,
    /// `TERN_E_UNSUPPORTED` when it names no torrent of version 1.
    void set_magnet(std::string_view link);

    /// The torrent, by its info-hash alone (20 bytes).
    void set_info_hash(const std::uint8_t *info_hash);

    /// Whether `tern_session_add` adds the trackers, peers, sources and metadata given here to a
    /// torrent that the session has already and gives that one back, instead of `TERN_E_DUPLICATE`. All
    /// else said here changes nothing then. To a private torrent (BEP 27) only peers are added.
    void set_merge(std::int32_t merge);

    /// The directory the content is (or will be) in. A path in the system's bytes.
    void set_save_path(std::string_view path);

    /// Resume data to continue from: ours or libtorrent's. It is checked here for form, and against the
    /// torrent in `tern_session_add`. Empty bytes mean none, and nothing is loaded from the state
    /// directory either.
    void set_resume(bytes_view bytes);

    /// Whether to start stopped. Overrides the resume data.
    void set_paused(std::int32_t paused);

    /// Whether to fetch in order. Overrides the resume data.
    void set_sequential(std::int32_t sequential);

    /// Whether to reserve space for files. Overrides the session's option.
    void set_preallocate(std::int32_t preallocate);

    /// Priority of a file, 0 (do not fetch, do not create) to 7; 4 is normal. Setting one overrides all
    /// of the resume data.
    void set_file_priority(std::uint32_t file, std::uint32_t priority);

    /// Priorities of the first `priorities_len` files.
    void set_file_priorities(bytes_view priorities);

    /// Another path for a file, relative to the save path.
    void rename_file(std::uint32_t file, std::string_view path);

    /// Forgets the metainfo's trackers.
    void clear_trackers();

    /// One more tracker, in this tier.
    void add_tracker(std::uint32_t tier, std::string_view url);

    /// An address to connect to, `192.0.2.1:6881` or `[2001:db8::1]:6881`.
    void add_peer(std::string_view address);

    /// Bytes per second, 0 unlimited. Overrides the resume data.
    void set_limits(std::uint64_t download, std::uint64_t upload);

    /// When to save: `TERN_SAVE_*` bits and an interval in milliseconds (0 for none). Overrides the
    /// session's options.
    void set_save_policy(std::uint32_t flags, std::int64_t interval_ms);

    /// Whether content whose files are all there in full length is taken for good (1): each piece is
    /// hashed when a peer first asks for it, before a byte of it goes out. One that does not match ends
    /// this, and what was not verified by then is checked. Resume data that says so has the same
    /// effect.
    void set_seed_mode(std::int32_t seed_mode);

    /// What to trust when files differ from the resume data: `TERN_LOAD_*`. Overrides the session's
    /// option.
    void set_load_policy(std::int32_t policy);

    /// Whether the torrent starts with the DHT: 1 or 0. Without this call it does, unless it is private
    /// or its resume data says otherwise.
    void set_dht(std::int32_t on);
};

/// Owns a `tern_batch`. Move-only.
class batch : public detail::handle<tern_batch, tern_batch_free> {
public:
    using handle::handle;

    /// Events in a batch, 0 for NULL.
    std::size_t len() const;

    /// Copies one event out. What it points to lives until the batch is freed.
    tern_event get(std::size_t index) const;

    /// For `for (const auto &item : batch)`.
    detail::iterator<batch> begin() const { return {this, 0}; }
    detail::iterator<batch> end() const { return {this, len()}; }
};

/// Owns a `tern_peers`. Move-only.
class peers : public detail::handle<tern_peers, tern_peers_free> {
public:
    using handle::handle;

    /// Peers in a snapshot, 0 for NULL.
    std::size_t len() const;

    /// One peer.
    tern_peer_info get(std::size_t index) const;

    /// For `for (const auto &item : peers)`.
    detail::iterator<peers> begin() const { return {this, 0}; }
    detail::iterator<peers> end() const { return {this, len()}; }
};

/// Owns a `tern_trackers`. Move-only.
class trackers : public detail::handle<tern_trackers, tern_trackers_free> {
public:
    using handle::handle;

    /// Trackers in a snapshot, 0 for NULL.
    std::size_t len() const;

    /// One tracker.
    tern_tracker_info get(std::size_t index) const;

    /// For `for (const auto &item : trackers)`.
    detail::iterator<trackers> begin() const { return {this, 0}; }
    detail::iterator<trackers> end() const { return {this, len()}; }
};

/// Owns a `tern_torrent`. Move-only.
class torrent : public detail::handle<tern_torrent, tern_torrent_release> {
public:
    using handle::handle;

    /// Sets the verifier of one torrent; `TERN_HOOK_NONE` goes back to the session's.
    void set_verify_hook(std::int32_t mode, std::uint32_t flags, tern_hook_fn hook, void *user, tern_destroy_fn destroy) const;

    /// The same, INLINE, with anything that can be called with `(const tern_event &)` or `(const
    /// tern_event &, std::int64_t &detail)` and gives a `TERN_VERDICT_*`; what it throws becomes
    /// FAIL. It is destroyed when the library is done with it.
    template <class F> void set_verify_hook(F f, std::uint32_t flags = 0) const
    {
        auto kept = std::make_unique<F>(std::move(f));
        set_verify_hook(TERN_HOOK_INLINE, flags, &detail::hook<F>, kept.release(), &detail::destroy<F>);
    }

    /// Sets the saver of one torrent; `TERN_HOOK_NONE` goes back to the session's.
    void set_save_hook(std::int32_t mode, std::uint32_t flags, tern_hook_fn hook, void *user, tern_destroy_fn destroy) const;

    /// The same, INLINE, with anything that can be called with `(const tern_event &)` or `(const
    /// tern_event &, std::int64_t &detail)` and gives a `TERN_VERDICT_*`; what it throws becomes
    /// FAIL. It is destroyed when the library is done with it.
    template <class F> void set_save_hook(F f, std::uint32_t flags = 0) const
    {
        auto kept = std::make_unique<F>(std::move(f));
        set_save_hook(TERN_HOOK_INLINE, flags, &detail::hook<F>, kept.release(), &detail::destroy<F>);
    }

    /// One more reference. Returns `t`. NULL is fine.
    tern::torrent retain() const;

    /// Number in the session, never used twice, never 0. Works after removal too. 0 for NULL.
    std::uint64_t id() const;

    /// Writes the 20 bytes of the info-hash. Works after removal too.
    std::array<std::uint8_t, 20> info_hash() const;

    /// The torrent's session, one more reference of it. NULL when it was released.
    tern::session take_session() const;

    /// Removes the torrent: closes its connections and files, and with `TERN_REMOVE_FILES` deletes its
    /// content. `TERN_EVENT_REMOVED` follows. Saved state in the built-in store goes too, unless
    /// `TERN_REMOVE_KEEP_STATE`; with that, a last save happens first. Until `TERN_EVENT_REMOVED` it
    /// cannot be added again.
    void remove(std::uint32_t flags) const;

    /// How many torrents stand before this one in the session's queue.
    std::uint32_t queue_position() const;

    /// Moves the torrent in the queue, so that `position` torrents stand before it; all others when
    /// there are fewer. The state directory keeps the order, and `tern_session_restore` brings it back.
    /// An added torrent is the last. The order starts and stops nothing.
    void set_queue_position(std::uint32_t position) const;

    /// Stops: disconnects, flushes, closes files.
    void pause() const;

    /// Goes on; also retries after an error.
    void resume() const;

    /// Checks all pieces again.
    void recheck() const;

    /// Checks the pieces of one file again.
    void recheck_file(std::uint32_t file) const;

    /// Checks the pieces `first` to `end - 1` again.
    void recheck_pieces(std::uint32_t first, std::uint32_t end) const;

    /// Asks for resume data to be handed out now, even if nothing changed: a save request (or the
    /// built-in store) follows.
    void save() const;

    /// As `tern_torrent_save`, when something changed that `flags` (`TERN_SAVE_IF_*`; none: in any
    /// case) name, with the `info` dictionary when they have `TERN_SAVE_WITH_INFO`. One
    /// `TERN_EVENT_SAVE_DONE` with the ticket put in `*out_ticket` (may be NULL) says what it came to;
    /// it is never dropped.
    void request_save(std::uint32_t flags, std::uint64_t *out_ticket = nullptr) const;

    /// When to save: `TERN_SAVE_*` bits and an interval in milliseconds (0 for none).
    void set_save_policy(std::uint32_t flags, std::int64_t interval_ms) const;

    /// Fetch in order (1) or rarest first (0).
    void set_sequential(std::int32_t sequential) const;

    /// Bytes per second, 0 unlimited.
    void set_limits(std::uint64_t download, std::uint64_t upload) const;

    /// Most connections of this torrent, at least 1.
    void set_max_connections(std::uint32_t connections) const;

    /// Peers uploaded to at once, at least 1.
    void set_upload_slots(std::uint32_t slots) const;

    /// Priority of a file, 0 (do not fetch) to 7; 4 is normal.
    void set_file_priority(std::uint32_t file, std::uint32_t priority) const;

    /// Priorities of all files; files beyond `priorities_len` become normal.
    void set_file_priorities(bytes_view priorities) const;

    /// Priority of a piece, 0 to 7.
    void set_piece_priority(std::uint32_t piece, std::uint32_t priority) const;

    /// Moves the content to another directory, which is made when it is not there.
    /// `TERN_EVENT_MOVED` follows.
    void move(std::string_view path) const;

    /// Renames a file, relative to the save path; an absolute path takes it out of there, and moves
    /// leave it where it is then. `TERN_EVENT_RENAMED` follows. Nothing is replaced, as with
    /// `tern_torrent_move`.
    void rename_file(std::uint32_t file, std::string_view path) const;

    /// Connects to this address now.
    void add_peer(std::string_view address) const;

    /// Bans this address (a port is ignored) and closes its connections.
    void ban_peer(std::string_view address) const;

    /// Closes one connection.
    void drop_peer(std::uint64_t peer) const;

    /// Replaces all trackers: `count` NUL-terminated URLs and their tiers.
    void set_trackers(const char *const *urls, const std::uint32_t *tiers, std::size_t count) const;

    /// One more tracker, in this tier.
    void add_tracker(std::uint32_t tier, std::string_view url) const;

    /// Announces now, as soon as the trackers' minimum interval allows.
    void announce() const;

    /// Asks the trackers for their counts. `TERN_EVENT_TRACKER_SCRAPED` follows.
    void scrape() const;

    /// As `tern_torrent_announce`, to one tracker: also to one that is asked only when those before it
    /// fail. `TERN_E_NOT_FOUND` when the torrent has no tracker of this URL.
    void announce_tracker(std::string_view url) const;

    /// As `tern_torrent_scrape`, of one tracker: `TERN_EVENT_TRACKER_SCRAPED` or
    /// `TERN_EVENT_TRACKER_FAILED` follows. `TERN_E_NOT_FOUND` when the torrent has no tracker of this
    /// URL.
    void scrape_tracker(std::string_view url) const;

    /// Events for single messages of peers (`TERN_CLASS_WIRE`) on or off.
    void set_wire_notices(std::int32_t on) const;

    /// Snapshot of the torrent.
    tern_status status() const;

    /// The torrent's metainfo with its present trackers. `TERN_E_NO_METADATA` while it is not here.
    tern::metainfo take_metainfo() const;

    /// The torrent's name; what its magnet link says, or else the info-hash, until the metadata is
    /// here.
    buf take_name() const;

    /// The torrent's magnet link, with its present trackers.
    buf take_magnet() const;

    /// The directory the content is in now, bytes of a path.
    buf take_save_path() const;

    /// The path of a file now (renamed or not), relative to the save path.
    buf take_file_path(std::uint32_t file) const;

    /// The pieces we have: one bit per piece in wire order (first piece = highest bit of the first
    /// byte). `*out_len` is the number of bytes there are; `TERN_E_RANGE` when `capacity` is smaller
    /// (`*out_len` is written in this case too). `out` may be NULL when `capacity` is 0.
    std::vector<std::uint8_t> bitfield() const;

    /// The pieces we want and do not have, as `tern_torrent_bitfield`.
    std::vector<std::uint8_t> wanted() const;

    /// Priority of each file, one byte each; lengths as in `tern_torrent_bitfield`.
    std::vector<std::uint8_t> file_priorities() const;

    /// Priority of each piece, one byte each; lengths as in `tern_torrent_bitfield`.
    std::vector<std::uint8_t> piece_priorities() const;

    /// Bytes of each file that are in pieces we have; lengths, in numbers, as in
    /// `tern_torrent_bitfield`.
    std::vector<std::uint64_t> file_progress() const;

    /// Pieces in progress, by index: those with a block that is requested or received. Lengths, in
    /// numbers, as in `tern_torrent_bitfield`.
    std::vector<std::uint32_t> partial_pieces() const;

    /// How far each block of a piece is, `TERN_BLOCK_...` each, in blocks of 16 KiB; lengths as in
    /// `tern_torrent_bitfield`. A piece we have is written in whole, one that is not in progress is
    /// missing in whole.
    std::vector<std::uint8_t> block_states(std::uint32_t piece) const;

    /// Reads a piece from the disk, whether it passed or not.
    buf read_piece(std::uint32_t piece) const;

    /// Snapshot of the connected peers.
    tern::peers take_peers() const;

    /// Snapshot of the trackers, by tier.
    tern::trackers take_trackers() const;

    /// Switches a torrent's use of the DHT on (1) or off (0): to be looked up and announced. Saved with
    /// its state. Private torrents never do.
    void set_dht(std::int32_t on) const;

    /// Looks a torrent up and announces it now. `TERN_E_STATE` when it is private or the DHT is off.
    void dht_announce() const;
};

/// Owns a `tern_session`. Move-only.
class session : public detail::handle<tern_session, tern_session_release> {
public:
    using handle::handle;

    /// Starts a session: threads, listen sockets, state directory. `config` may be NULL (all default).
    explicit session(const tern::config &config);

    /// One more reference. Returns `s`. NULL is fine.
    tern::session retain() const;

    /// Begins to close: stops the network, flushes files, hands out last saves, and posts
    /// `TERN_EVENT_CLOSED` when done. Does not block. Keep taking events and answering requests until
    /// CLOSED comes. May be called again; it then does nothing.
    void close_begin() const;

    /// Stops all torrents until `tern_session_resume`, without changing their own paused state.
    void pause() const;

    /// Undoes `tern_session_pause`.
    void resume() const;

    /// Changes live options of a running session to what `config` sets explicitly; all or, on error,
    /// nothing. `TERN_E_STATE` when it sets one that is not live to another value.
    void apply(const tern::config &config) const;

    /// A copy of the options in use.
    tern::config take_config() const;

    /// The first port the session listens on, 0 when it does not.
    std::uint16_t listen_port() const;

    /// Our addresses as the world sees them, as far as peers, trackers and the DHT told, one a line,
    /// IPv4 before IPv6: `192.0.2.1:6881`, `[2001:db8::1]:6881`, with the port the session listens on.
    /// Empty while nobody told. `TERN_EVENT_EXTERNAL_ADDR` comes when one becomes another.
    buf take_external() const;

    /// Snapshot of the session.
    tern_stats stats() const;

    /// Adds a torrent. Hooks set on `add` move to the torrent; everything else stays, `add` can be used
    /// again. When no resume data was set and the session has a state directory, saved state is loaded
    /// from there.
    tern::torrent add(tern::add &add) const;

    /// Adds every torrent that was in the last session with this state directory, in queue order, with
    /// what was saved of it: nothing has to be given again. Torrents that are there already stay as
    /// they are; those that were removed, and those whose state a save hook keeps, are not brought
    /// back. Returns when all are added; `TERN_EVENT_ADDED` comes for each, and
    /// `TERN_EVENT_RESTORE_FAILED` for each that could not be. `*out_torrents` and `*out_failed` (both
    /// may be NULL) are the counts.
    void restore(std::uint32_t *out_torrents = nullptr, std::uint32_t *out_failed = nullptr) const;

    /// Number of torrents, and handles of up to `capacity` of them in the order they were added.
    /// `*out_len` is the number there are. `out` may be NULL when `capacity` is 0.
    std::vector<tern::torrent> torrents() const;

    /// As `tern_session_torrents`, in queue order: see `tern_torrent_set_queue_position`.
    std::vector<tern::torrent> queue() const;

    /// The torrent with this info-hash (20 bytes). `TERN_E_NOT_FOUND`.
    tern::torrent find(const std::uint8_t *info_hash) const;

    /// The torrent with this number. `TERN_E_NOT_FOUND`.
    tern::torrent find_id(std::uint64_t torrent_id) const;

    /// A descriptor that is readable exactly while events wait to be taken (level-triggered): put it
    /// into poll, epoll, select or any event loop. The same for the session's life. Never read, write
    /// or close it. -1 for NULL, after a fork, or when the session is closed for good.
    std::int32_t event_fd() const;

    /// Waits until events wait to be taken, at most `timeout_ms` (-1 for ever, 0 only looks). Returns 1
    /// when there are events, 0 when time is up, `tern_session_wake` was called or a signal arrived (so
    /// that the host can run its handlers), or a negative `TERN_E_*`.
    std::int32_t wait(std::int32_t timeout_ms) const;

    /// Ends one `tern_session_wait` (the present or the next one). From any thread; async-signal-safe.
    void wake() const;

    /// Which classes of notices to queue, `TERN_CLASS_*` bits. Notices already queued stay.
    void subscribe(std::uint32_t classes) const;

    /// Takes up to `max` events out of the queue (0 for all there are); requests come first. The batch
    /// may be empty.
    tern::batch take(std::size_t max) const;

    /// Sets the verifier of all torrents that have none of their own. It is asked about every piece
    /// after the engine's own hash; until ACCEPT the piece does not count as had. `mode` is
    /// `TERN_HOOK_*`; `flags` is 0 or `TERN_VERIFY_OVERRIDE`. `destroy` may be NULL; it runs exactly
    /// once, also when this call fails.
    void set_verify_hook(std::int32_t mode, std::uint32_t flags, tern_hook_fn hook, void *user, tern_destroy_fn destroy) const;

    /// The same, INLINE, with anything that can be called with `(const tern_event &)` or `(const
    /// tern_event &, std::int64_t &detail)` and gives a `TERN_VERDICT_*`; what it throws becomes
    /// FAIL. It is destroyed when the library is done with it.
    template <class F> void set_verify_hook(F f, std::uint32_t flags = 0) const
    {
        auto kept = std::make_unique<F>(std::move(f));
        set_verify_hook(TERN_HOOK_INLINE, flags, &detail::hook<F>, kept.release(), &detail::destroy<F>);
    }

    /// Sets the saver of all torrents that have none of their own. It gets resume data to keep; ACCEPT
    /// says that it is durable. Without a hook the built-in store keeps it in the state directory, when
    /// there is one.
    void set_save_hook(std::int32_t mode, std::uint32_t flags, tern_hook_fn hook, void *user, tern_destroy_fn destroy) const;

    /// The same, INLINE, with anything that can be called with `(const tern_event &)` or `(const
    /// tern_event &, std::int64_t &detail)` and gives a `TERN_VERDICT_*`; what it throws becomes
    /// FAIL. It is destroyed when the library is done with it.
    template <class F> void set_save_hook(F f, std::uint32_t flags = 0) const
    {
        auto kept = std::make_unique<F>(std::move(f));
        set_save_hook(TERN_HOOK_INLINE, flags, &detail::hook<F>, kept.release(), &detail::destroy<F>);
    }

    /// Answers a request with a `TERN_VERDICT_*`. From any thread, in any order, exactly once: then
    /// `TERN_E_GONE`, as for requests of a torrent that was removed. Does not block. `detail`:
    /// milliseconds for DEFER, any code for FAIL, else 0.
    void request_complete(std::uint64_t token, std::int32_t verdict, std::int64_t detail) const;

    /// The bytes a request is about: of the piece (read from the cache or the disk, which may block for
    /// a moment), or the resume data. Borrowed: they live until the request is answered, or, for a
    /// request that is withdrawn because its torrent goes, until the session is released.
    bytes_view request_data(std::uint64_t token) const;

    /// Looks for peers of a torrent (`info_hash`, 20 bytes), which need not be in the session. `flags`
    /// are `TERN_DHT_*`; with `TERN_DHT_ANNOUNCE` it is announced at `port`, 0 for the session's own.
    /// Comes as DHT_PEERS, DHT_SCRAPED and DHT_PEERS_DONE with `*out_token`.
    void dht_get_peers(const std::uint8_t *info_hash, std::uint32_t flags, std::uint16_t port, std::uint64_t *out_token = nullptr) const;

    /// Finds the immutable item (BEP 44) whose value has this SHA-1 (`target`, 20 bytes). Comes as
    /// DHT_ITEM and DHT_ITEM_DONE.
    void dht_get(const std::uint8_t *target, std::uint64_t *out_token = nullptr) const;

    /// Finds the newest version of the mutable item (BEP 44) of an owner (`key`, 32 bytes) under a salt
    /// of at most 64 bytes, which may be empty. Comes as DHT_ITEM, with each newer version, and
    /// DHT_ITEM_DONE.
    void dht_get_mutable(const std::uint8_t *key, bytes_view salt, std::uint64_t *out_token = nullptr) const;

    /// Stores a bencoded value of at most 1000 bytes under its SHA-1 (BEP 44). Comes as DHT_PUT_DONE.
    void dht_put(bytes_view value, std::uint64_t *out_token = nullptr) const;

    /// Signs a bencoded value with a secret key (64 bytes, see `tern_dht_keypair`) and stores it as the
    /// next version of the owner's item under a salt (BEP 44): the sequence number is one more than the
    /// newest that is found. With `replaces` of 0 or more the put fails unless that is the newest
    /// (`cas`); -1 replaces whatever is found. Comes as DHT_PUT_DONE.
    void dht_put_mutable(const std::uint8_t *secret, bytes_view salt, bytes_view value, std::int64_t replaces, std::uint64_t *out_token = nullptr) const;

    /// Stores an item that somebody else signed, to keep it alive (BEP 44). `TERN_E_INVALID` when the
    /// signature (64 bytes) does not fit. Comes as DHT_PUT_DONE.
    void dht_put_signed(const std::uint8_t *key, bytes_view salt, std::int64_t seq, const std::uint8_t *signature, bytes_view value, std::uint64_t *out_token = nullptr) const;

    /// Asks a node whether it is there, `192.0.2.1:6881` or `[2001:db8::1]:6881`. Comes as DHT_PONG or
    /// DHT_FAILED. A node that answers is remembered.
    void dht_ping(std::string_view node, std::uint64_t *out_token = nullptr) const;

    /// Finds the nodes nearest to a target (20 bytes). Comes as DHT_NODES.
    void dht_find_node(const std::uint8_t *target, std::uint64_t *out_token = nullptr) const;

    /// Asks for info-hashes (BEP 51): one node when `node_len` is not 0, else all on the way to a
    /// target (20 bytes). Comes as DHT_SAMPLES or DHT_FAILED.
    void dht_sample(const std::uint8_t *target, std::string_view node, std::uint64_t *out_token = nullptr) const;

    /// Follows the pointer to a torrent (BEP 46) that an owner (`key`, 32 bytes) publishes under a
    /// salt: DHT_UPDATE comes with each newer version, and at once with the one an earlier session
    /// knew. It is asked for every `interval_secs` (at least 60) and stored again when few nodes have
    /// it. With
    /// `save_path_len` not 0 the torrents it points at are added there by their info-hashes. It runs
    /// until `tern_session_dht_cancel`.
    void dht_follow(const std::uint8_t *key, bytes_view salt, std::uint32_t interval_secs, std::string_view save_path, std::uint64_t *out_token = nullptr) const;

    /// Publishes a pointer to a torrent (BEP 46) with a secret key (64 bytes) under a salt, and keeps
    /// it alive until `tern_session_dht_cancel`. Comes as DHT_PUBLISHED.
    void dht_publish(const std::uint8_t *secret, bytes_view salt, const std::uint8_t *info_hash, std::uint64_t *out_token = nullptr) const;

    /// Ends what runs under a token of the DHT. Results that are queued stay; nothing more comes. Fine
    /// when nothing runs.
    void dht_cancel(std::uint64_t token) const;

    /// A node to get acquainted with, `host:port`; names are resolved.
    void dht_add_node(std::string_view host) const;

    /// The id (20 bytes) of our node at the first listening address. `TERN_E_STATE` while there is
    /// none. Waits for the network thread.
    void dht_id(std::uint8_t *out) const;

    /// Takes an id (20 bytes) at the first listening address, for programs that keep their ids
    /// themselves.
    void dht_set_id(const std::uint8_t *id) const;

    /// The nodes that are known to be there, one a line: id, a space, address. Waits for the network
    /// thread.
    buf take_dht_nodes() const;

    /// Snapshot of the DHT; zeros while it is off. Waits for the network thread.
    tern_dht_stats dht_stats() const;

    /// Sets the hook that is asked about each query of others before it is answered (DHT_QUERY). `mode`
    /// is `TERN_HOOK_*`, `flags` is 0. ACCEPT and PASS let it be answered; any other verdict, or none
    /// within five seconds, does not. While 256 wait, further ones are not answered. `destroy` may be
    /// NULL; it runs exactly once, also when this call fails.
    void set_dht_hook(std::int32_t mode, std::uint32_t flags, tern_hook_fn hook, void *user, tern_destroy_fn destroy) const;

    /// The same, INLINE, with anything that can be called with `(const tern_event &)` or `(const
    /// tern_event &, std::int64_t &detail)` and gives a `TERN_VERDICT_*`; what it throws becomes
    /// FAIL. It is destroyed when the library is done with it.
    template <class F> void set_dht_hook(F f, std::uint32_t flags = 0) const
    {
        auto kept = std::make_unique<F>(std::move(f));
        set_dht_hook(TERN_HOOK_INLINE, flags, &detail::hook<F>, kept.release(), &detail::destroy<F>);
    }

    /// What a host without a state directory keeps for the next session: ids and nodes of the DHT,
    /// pointers that were followed and published. Waits for the network thread.
    buf take_state() const;

    /// Takes what `tern_session_take_state` gave, of any session; best right after `tern_session_new`.
    /// `TERN_E_RESUME` when it is something else.
    void load_state(bytes_view state) const;

    /// Closes and waits, see `tern_session_close`: how many torrents are not saved yet when time
    /// is up, 0 when all is done.
    std::uint32_t close(std::int32_t timeout_ms = -1) const;
};

inline config::config() : handle(nullptr)
{
    const auto value = tern_config_new();
    reset(value);
}

inline void config::set_int(std::uint32_t option, std::int64_t value)
{
    tern_error *err = nullptr;
    const tern_result result = tern_config_set_int(handle::get(), option, value, &err);
    detail::check(result, err);
}

inline void config::set_bool(std::uint32_t option, std::int32_t value)
{
    tern_error *err = nullptr;
    const tern_result result = tern_config_set_bool(handle::get(), option, value, &err);
    detail::check(result, err);
}

inline void config::set_str(std::uint32_t option, std::string_view value)
{
    tern_error *err = nullptr;
    const tern_result result = tern_config_set_str(handle::get(), option, value.data(), value.size(), &err);
    detail::check(result, err);
}

inline void config::set_bytes(std::uint32_t option, bytes_view value)
{
    tern_error *err = nullptr;
    const tern_result result = tern_config_set_bytes(handle::get(), option, value.ptr, value.len, &err);
    detail::check(result, err);
}

inline void config::set_double(std::uint32_t option, double value)
{
    tern_error *err = nullptr;
    const tern_result result = tern_config_set_double(handle::get(), option, value, &err);
    detail::check(result, err);
}

inline void config::set_text(std::string_view name, std::string_view value)
{
    tern_error *err = nullptr;
    const tern_result result = tern_config_set_text(handle::get(), name.data(), name.size(), value.data(), value.size(), &err);
    detail::check(result, err);
}

inline std::int64_t config::get_int(std::uint32_t option) const
{
    std::int64_t out{};
    tern_error *err = nullptr;
    const tern_result result = tern_config_get_int(handle::get(), option, &out, &err);
    detail::check(result, err);
    return out;
}

inline std::int32_t config::get_bool(std::uint32_t option) const
{
    std::int32_t out{};
    tern_error *err = nullptr;
    const tern_result result = tern_config_get_bool(handle::get(), option, &out, &err);
    detail::check(result, err);
    return out;
}

inline bytes_view config::get_str(std::uint32_t option) const
{
    tern_bytes out = {nullptr, 0};
    tern_error *err = nullptr;
    const tern_result result = tern_config_get_str(handle::get(), option, &out, &err);
    detail::check(result, err);
    return bytes_view(out);
}

inline bytes_view config::get_bytes(std::uint32_t option) const
{
    tern_bytes out = {nullptr, 0};
    tern_error *err = nullptr;
    const tern_result result = tern_config_get_bytes(handle::get(), option, &out, &err);
    detail::check(result, err);
    return bytes_view(out);
}

inline double config::get_double(std::uint32_t option) const
{
    double out{};
    tern_error *err = nullptr;
    const tern_result result = tern_config_get_double(handle::get(), option, &out, &err);
    detail::check(result, err);
    return out;
}

inline session::session(const tern::config &config) : handle(nullptr)
{
    tern_session *out = nullptr;
    tern_error *err = nullptr;
    const tern_result result = tern_session_new(config.get(), &out, &err);
    detail::check(result, err);
    reset(out);
}

inline tern::session session::retain() const
{
    const auto value = tern_session_retain(handle::get());
    return tern::session(value);
}

inline void session::close_begin() const
{
    tern_error *err = nullptr;
    const tern_result result = tern_session_close_begin(handle::get(), &err);
    detail::check(result, err);
}

inline void session::pause() const
{
    tern_error *err = nullptr;
    const tern_result result = tern_session_pause(handle::get(), &err);
    detail::check(result, err);
}

inline void session::resume() const
{
    tern_error *err = nullptr;
    const tern_result result = tern_session_resume(handle::get(), &err);
    detail::check(result, err);
}

inline void session::apply(const tern::config &config) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_session_apply(handle::get(), config.get(), &err);
    detail::check(result, err);
}

inline tern::config session::take_config() const
{
    tern_config *out = nullptr;
    tern_error *err = nullptr;
    const tern_result result = tern_session_take_config(handle::get(), &out, &err);
    detail::check(result, err);
    return tern::config(out);
}

inline std::uint16_t session::listen_port() const
{
    std::uint16_t out{};
    tern_error *err = nullptr;
    const tern_result result = tern_session_listen_port(handle::get(), &out, &err);
    detail::check(result, err);
    return out;
}

inline buf session::take_external() const
{
    tern_buf out = {nullptr, 0};
    tern_error *err = nullptr;
    const tern_result result = tern_session_take_external(handle::get(), &out, &err);
    detail::check(result, err);
    return buf(out);
}

inline tern_stats session::stats() const
{
    tern_stats out{};
    tern_error *err = nullptr;
    const tern_result result = tern_session_stats_sized(handle::get(), &out, sizeof out, &err);
    detail::check(result, err);
    return out;
}

inline tern::torrent session::add(tern::add &add) const
{
    tern_torrent *out = nullptr;
    tern_error *err = nullptr;
    const tern_result result = tern_session_add(handle::get(), add.get(), &out, &err);
    detail::check(result, err);
    return tern::torrent(out);
}

inline void session::restore(std::uint32_t *out_torrents, std::uint32_t *out_failed) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_session_restore(handle::get(), out_torrents, out_failed, &err);
    detail::check(result, err);
}

inline std::vector<tern::torrent> session::torrents() const
{
    using item = tern_torrent *;
    auto fill = [&](item *data, std::size_t capacity, std::size_t *length,
                    tern_error **err) {
        return tern_session_torrents(handle::get(), data, capacity, length, err);
    };
    return detail::handles<tern::torrent, item>(fill);
}

inline std::vector<tern::torrent> session::queue() const
{
    using item = tern_torrent *;
    auto fill = [&](item *data, std::size_t capacity, std::size_t *length,
                    tern_error **err) {
        return tern_session_queue(handle::get(), data, capacity, length, err);
    };
    return detail::handles<tern::torrent, item>(fill);
}

inline tern::torrent session::find(const std::uint8_t *info_hash) const
{
    tern_torrent *out = nullptr;
    tern_error *err = nullptr;
    const tern_result result = tern_session_find(handle::get(), info_hash, &out, &err);
    detail::check(result, err);
    return tern::torrent(out);
}

inline tern::torrent session::find_id(std::uint64_t torrent_id) const
{
    tern_torrent *out = nullptr;
    tern_error *err = nullptr;
    const tern_result result = tern_session_find_id(handle::get(), torrent_id, &out, &err);
    detail::check(result, err);
    return tern::torrent(out);
}

inline std::int32_t session::event_fd() const
{
    const auto value = tern_session_event_fd(handle::get());
    return value;
}

inline std::int32_t session::wait(std::int32_t timeout_ms) const
{
    tern_error *err = nullptr;
    const auto value = tern_session_wait(handle::get(), timeout_ms, &err);
    detail::check(value, err);
    return value;
}

inline void session::wake() const
{
    detail::check(tern_session_wake(handle::get()), nullptr);
}

inline void session::subscribe(std::uint32_t classes) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_session_subscribe(handle::get(), classes, &err);
    detail::check(result, err);
}

inline tern::batch session::take(std::size_t max) const
{
    tern_batch *out = nullptr;
    tern_error *err = nullptr;
    const tern_result result = tern_session_take(handle::get(), max, &out, &err);
    detail::check(result, err);
    return tern::batch(out);
}

inline std::size_t batch::len() const
{
    const auto value = tern_batch_len(handle::get());
    return value;
}

inline tern_event batch::get(std::size_t index) const
{
    tern_event out{};
    detail::check(tern_batch_get_sized(handle::get(), index, &out, sizeof out), nullptr);
    return out;
}

inline void session::set_verify_hook(std::int32_t mode, std::uint32_t flags, tern_hook_fn hook, void *user, tern_destroy_fn destroy) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_session_set_verify_hook(handle::get(), mode, flags, hook, user, destroy, &err);
    detail::check(result, err);
}

inline void session::set_save_hook(std::int32_t mode, std::uint32_t flags, tern_hook_fn hook, void *user, tern_destroy_fn destroy) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_session_set_save_hook(handle::get(), mode, flags, hook, user, destroy, &err);
    detail::check(result, err);
}

inline void torrent::set_verify_hook(std::int32_t mode, std::uint32_t flags, tern_hook_fn hook, void *user, tern_destroy_fn destroy) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_set_verify_hook(handle::get(), mode, flags, hook, user, destroy, &err);
    detail::check(result, err);
}

inline void torrent::set_save_hook(std::int32_t mode, std::uint32_t flags, tern_hook_fn hook, void *user, tern_destroy_fn destroy) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_set_save_hook(handle::get(), mode, flags, hook, user, destroy, &err);
    detail::check(result, err);
}

inline void add::set_verify_hook(std::int32_t mode, std::uint32_t flags, tern_hook_fn hook, void *user, tern_destroy_fn destroy)
{
    tern_error *err = nullptr;
    const tern_result result = tern_add_set_verify_hook(handle::get(), mode, flags, hook, user, destroy, &err);
    detail::check(result, err);
}

inline void add::set_save_hook(std::int32_t mode, std::uint32_t flags, tern_hook_fn hook, void *user, tern_destroy_fn destroy)
{
    tern_error *err = nullptr;
    const tern_result result = tern_add_set_save_hook(handle::get(), mode, flags, hook, user, destroy, &err);
    detail::check(result, err);
}

inline void session::request_complete(std::uint64_t token, std::int32_t verdict, std::int64_t detail) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_request_complete(handle::get(), token, verdict, detail, &err);
    detail::check(result, err);
}

inline bytes_view session::request_data(std::uint64_t token) const
{
    tern_bytes out = {nullptr, 0};
    tern_error *err = nullptr;
    const tern_result result = tern_request_data(handle::get(), token, &out, &err);
    detail::check(result, err);
    return bytes_view(out);
}

inline add::add() : handle(nullptr)
{
    const auto value = tern_add_new();
    reset(value);
}

inline void add::set_metainfo(bytes_view bytes)
{
    tern_error *err = nullptr;
    const tern_result result = tern_add_set_metainfo(handle::get(), bytes.ptr, bytes.len, &err);
    detail::check(result, err);
}

inline void add::set_metainfo_file(std::string_view path)
{
    tern_error *err = nullptr;
    const tern_result result = tern_add_set_metainfo_file(handle::get(), path.data(), path.size(), &err);
    detail::check(result, err);
}

inline void add::set_metainfo_object(const tern::metainfo &m)
{
    tern_error *err = nullptr;
    const tern_result result = tern_add_set_metainfo_object(handle::get(), m.get(), &err);
    detail::check(result, err);
}

inline void add::set_magnet(std::string_view link)
{
    tern_error *err = nullptr;
    const tern_result result = tern_add_set_magnet(handle::get(), link.data(), link.size(), &err);
    detail::check(result, err);
}

inline void add::set_info_hash(const std::uint8_t *info_hash)
{
    tern_error *err = nullptr;
    const tern_result result = tern_add_set_info_hash(handle::get(), info_hash, &err);
    detail::check(result, err);
}

inline void add::set_merge(std::int32_t merge)
{
    tern_error *err = nullptr;
    const tern_result result = tern_add_set_merge(handle::get(), merge, &err);
    detail::check(result, err);
}

inline void add::set_save_path(std::string_view path)
{
    tern_error *err = nullptr;
    const tern_result result = tern_add_set_save_path(handle::get(), path.data(), path.size(), &err);
    detail::check(result, err);
}

inline void add::set_resume(bytes_view bytes)
{
    tern_error *err = nullptr;
    const tern_result result = tern_add_set_resume(handle::get(), bytes.ptr, bytes.len, &err);
    detail::check(result, err);
}

inline void add::set_paused(std::int32_t paused)
{
    tern_error *err = nullptr;
    const tern_result result = tern_add_set_paused(handle::get(), paused, &err);
    detail::check(result, err);
}

inline void add::set_sequential(std::int32_t sequential)
{
    tern_error *err = nullptr;
    const tern_result result = tern_add_set_sequential(handle::get(), sequential, &err);
    detail::check(result, err);
}

inline void add::set_preallocate(std::int32_t preallocate)
{
    tern_error *err = nullptr;
    const tern_result result = tern_add_set_preallocate(handle::get(), preallocate, &err);
    detail::check(result, err);
}

inline void add::set_file_priority(std::uint32_t file, std::uint32_t priority)
{
    tern_error *err = nullptr;
    const tern_result result = tern_add_set_file_priority(handle::get(), file, priority, &err);
    detail::check(result, err);
}

inline void add::set_file_priorities(bytes_view priorities)
{
    tern_error *err = nullptr;
    const tern_result result = tern_add_set_file_priorities(handle::get(), priorities.ptr, priorities.len, &err);
    detail::check(result, err);
}

inline void add::rename_file(std::uint32_t file, std::string_view path)
{
    tern_error *err = nullptr;
    const tern_result result = tern_add_rename_file(handle::get(), file, path.data(), path.size(), &err);
    detail::check(result, err);
}

inline void add::clear_trackers()
{
    tern_error *err = nullptr;
    const tern_result result = tern_add_clear_trackers(handle::get(), &err);
    detail::check(result, err);
}

inline void add::add_tracker(std::uint32_t tier, std::string_view url)
{
    tern_error *err = nullptr;
    const tern_result result = tern_add_add_tracker(handle::get(), tier, url.data(), url.size(), &err);
    detail::check(result, err);
}

inline void add::add_peer(std::string_view address)
{
    tern_error *err = nullptr;
    const tern_result result = tern_add_add_peer(handle::get(), address.data(), address.size(), &err);
    detail::check(result, err);
}

inline void add::set_limits(std::uint64_t download, std::uint64_t upload)
{
    tern_error *err = nullptr;
    const tern_result result = tern_add_set_limits(handle::get(), download, upload, &err);
    detail::check(result, err);
}

inline void add::set_save_policy(std::uint32_t flags, std::int64_t interval_ms)
{
    tern_error *err = nullptr;
    const tern_result result = tern_add_set_save_policy(handle::get(), flags, interval_ms, &err);
    detail::check(result, err);
}

inline void add::set_seed_mode(std::int32_t seed_mode)
{
    tern_error *err = nullptr;
    const tern_result result = tern_add_set_seed_mode(handle::get(), seed_mode, &err);
    detail::check(result, err);
}

inline void add::set_load_policy(std::int32_t policy)
{
    tern_error *err = nullptr;
    const tern_result result = tern_add_set_load_policy(handle::get(), policy, &err);
    detail::check(result, err);
}

inline tern::torrent torrent::retain() const
{
    const auto value = tern_torrent_retain(handle::get());
    return tern::torrent(value);
}

inline std::uint64_t torrent::id() const
{
    const auto value = tern_torrent_id(handle::get());
    return value;
}

inline std::array<std::uint8_t, 20> torrent::info_hash() const
{
    std::array<std::uint8_t, 20> out{};
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_info_hash(handle::get(), out.data(), &err);
    detail::check(result, err);
    return out;
}

inline tern::session torrent::take_session() const
{
    const auto value = tern_torrent_take_session(handle::get());
    return tern::session(value);
}

inline void torrent::remove(std::uint32_t flags) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_remove(handle::get(), flags, &err);
    detail::check(result, err);
}

inline std::uint32_t torrent::queue_position() const
{
    std::uint32_t out{};
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_queue_position(handle::get(), &out, &err);
    detail::check(result, err);
    return out;
}

inline void torrent::set_queue_position(std::uint32_t position) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_set_queue_position(handle::get(), position, &err);
    detail::check(result, err);
}

inline void torrent::pause() const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_pause(handle::get(), &err);
    detail::check(result, err);
}

inline void torrent::resume() const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_resume(handle::get(), &err);
    detail::check(result, err);
}

inline void torrent::recheck() const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_recheck(handle::get(), &err);
    detail::check(result, err);
}

inline void torrent::recheck_file(std::uint32_t file) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_recheck_file(handle::get(), file, &err);
    detail::check(result, err);
}

inline void torrent::recheck_pieces(std::uint32_t first, std::uint32_t end) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_recheck_pieces(handle::get(), first, end, &err);
    detail::check(result, err);
}

inline void torrent::save() const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_save(handle::get(), &err);
    detail::check(result, err);
}

inline void torrent::request_save(std::uint32_t flags, std::uint64_t *out_ticket) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_request_save(handle::get(), flags, out_ticket, &err);
    detail::check(result, err);
}

inline void torrent::set_save_policy(std::uint32_t flags, std::int64_t interval_ms) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_set_save_policy(handle::get(), flags, interval_ms, &err);
    detail::check(result, err);
}

inline void torrent::set_sequential(std::int32_t sequential) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_set_sequential(handle::get(), sequential, &err);
    detail::check(result, err);
}

inline void torrent::set_limits(std::uint64_t download, std::uint64_t upload) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_set_limits(handle::get(), download, upload, &err);
    detail::check(result, err);
}

inline void torrent::set_max_connections(std::uint32_t connections) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_set_max_connections(handle::get(), connections, &err);
    detail::check(result, err);
}

inline void torrent::set_upload_slots(std::uint32_t slots) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_set_upload_slots(handle::get(), slots, &err);
    detail::check(result, err);
}

inline void torrent::set_file_priority(std::uint32_t file, std::uint32_t priority) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_set_file_priority(handle::get(), file, priority, &err);
    detail::check(result, err);
}

inline void torrent::set_file_priorities(bytes_view priorities) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_set_file_priorities(handle::get(), priorities.ptr, priorities.len, &err);
    detail::check(result, err);
}

inline void torrent::set_piece_priority(std::uint32_t piece, std::uint32_t priority) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_set_piece_priority(handle::get(), piece, priority, &err);
    detail::check(result, err);
}

inline void torrent::move(std::string_view path) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_move(handle::get(), path.data(), path.size(), &err);
    detail::check(result, err);
}

inline void torrent::rename_file(std::uint32_t file, std::string_view path) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_rename_file(handle::get(), file, path.data(), path.size(), &err);
    detail::check(result, err);
}

inline void torrent::add_peer(std::string_view address) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_add_peer(handle::get(), address.data(), address.size(), &err);
    detail::check(result, err);
}

inline void torrent::ban_peer(std::string_view address) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_ban_peer(handle::get(), address.data(), address.size(), &err);
    detail::check(result, err);
}

inline void torrent::drop_peer(std::uint64_t peer) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_drop_peer(handle::get(), peer, &err);
    detail::check(result, err);
}

inline void torrent::set_trackers(const char *const *urls, const std::uint32_t *tiers, std::size_t count) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_set_trackers(handle::get(), urls, tiers, count, &err);
    detail::check(result, err);
}

inline void torrent::add_tracker(std::uint32_t tier, std::string_view url) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_add_tracker(handle::get(), tier, url.data(), url.size(), &err);
    detail::check(result, err);
}

inline void torrent::announce() const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_announce(handle::get(), &err);
    detail::check(result, err);
}

inline void torrent::scrape() const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_scrape(handle::get(), &err);
    detail::check(result, err);
}

inline void torrent::announce_tracker(std::string_view url) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_announce_tracker(handle::get(), url.data(), url.size(), &err);
    detail::check(result, err);
}

inline void torrent::scrape_tracker(std::string_view url) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_scrape_tracker(handle::get(), url.data(), url.size(), &err);
    detail::check(result, err);
}

inline void torrent::set_wire_notices(std::int32_t on) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_set_wire_notices(handle::get(), on, &err);
    detail::check(result, err);
}

inline tern_status torrent::status() const
{
    tern_status out{};
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_status_sized(handle::get(), &out, sizeof out, &err);
    detail::check(result, err);
    return out;
}

inline tern::metainfo torrent::take_metainfo() const
{
    tern_metainfo *out = nullptr;
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_take_metainfo(handle::get(), &out, &err);
    detail::check(result, err);
    return tern::metainfo(out);
}

inline buf torrent::take_name() const
{
    tern_buf out = {nullptr, 0};
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_take_name(handle::get(), &out, &err);
    detail::check(result, err);
    return buf(out);
}

inline buf torrent::take_magnet() const
{
    tern_buf out = {nullptr, 0};
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_take_magnet(handle::get(), &out, &err);
    detail::check(result, err);
    return buf(out);
}

inline buf torrent::take_save_path() const
{
    tern_buf out = {nullptr, 0};
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_take_save_path(handle::get(), &out, &err);
    detail::check(result, err);
    return buf(out);
}

inline buf torrent::take_file_path(std::uint32_t file) const
{
    tern_buf out = {nullptr, 0};
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_take_file_path(handle::get(), file, &out, &err);
    detail::check(result, err);
    return buf(out);
}

inline std::vector<std::uint8_t> torrent::bitfield() const
{
    using item = std::uint8_t;
    auto fill = [&](item *data, std::size_t capacity, std::size_t *length,
                    tern_error **err) {
        return tern_torrent_bitfield(handle::get(), data, capacity, length, err);
    };
    return detail::array<item>(fill);
}

inline std::vector<std::uint8_t> torrent::wanted() const
{
    using item = std::uint8_t;
    auto fill = [&](item *data, std::size_t capacity, std::size_t *length,
                    tern_error **err) {
        return tern_torrent_wanted(handle::get(), data, capacity, length, err);
    };
    return detail::array<item>(fill);
}

inline std::vector<std::uint8_t> torrent::file_priorities() const
{
    using item = std::uint8_t;
    auto fill = [&](item *data, std::size_t capacity, std::size_t *length,
                    tern_error **err) {
        return tern_torrent_file_priorities(handle::get(), data, capacity, length, err);
    };
    return detail::array<item>(fill);
}

inline std::vector<std::uint8_t> torrent::piece_priorities() const
{
    using item = std::uint8_t;
    auto fill = [&](item *data, std::size_t capacity, std::size_t *length,
                    tern_error **err) {
        return tern_torrent_piece_priorities(handle::get(), data, capacity, length, err);
    };
    return detail::array<item>(fill);
}

inline std::vector<std::uint64_t> torrent::file_progress() const
{
    using item = std::uint64_t;
    auto fill = [&](item *data, std::size_t capacity, std::size_t *length,
                    tern_error **err) {
        return tern_torrent_file_progress(handle::get(), data, capacity, length, err);
    };
    return detail::array<item>(fill);
}

inline std::vector<std::uint32_t> torrent::partial_pieces() const
{
    using item = std::uint32_t;
    auto fill = [&](item *data, std::size_t capacity, std::size_t *length,
                    tern_error **err) {
        return tern_torrent_partial_pieces(handle::get(), data, capacity, length, err);
    };
    return detail::array<item>(fill);
}

inline std::vector<std::uint8_t> torrent::block_states(std::uint32_t piece) const
{
    using item = std::uint8_t;
    auto fill = [&](item *data, std::size_t capacity, std::size_t *length,
                    tern_error **err) {
        return tern_torrent_block_states(handle::get(), piece, data, capacity, length, err);
    };
    return detail::array<item>(fill);
}

inline buf torrent::read_piece(std::uint32_t piece) const
{
    tern_buf out = {nullptr, 0};
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_read_piece(handle::get(), piece, &out, &err);
    detail::check(result, err);
    return buf(out);
}

inline tern::peers torrent::take_peers() const
{
    tern_peers *out = nullptr;
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_take_peers(handle::get(), &out, &err);
    detail::check(result, err);
    return tern::peers(out);
}

inline std::size_t peers::len() const
{
    const auto value = tern_peers_len(handle::get());
    return value;
}

inline tern_peer_info peers::get(std::size_t index) const
{
    tern_peer_info out{};
    detail::check(tern_peers_get_sized(handle::get(), index, &out, sizeof out), nullptr);
    return out;
}

inline tern::trackers torrent::take_trackers() const
{
    tern_trackers *out = nullptr;
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_take_trackers(handle::get(), &out, &err);
    detail::check(result, err);
    return tern::trackers(out);
}

inline std::size_t trackers::len() const
{
    const auto value = tern_trackers_len(handle::get());
    return value;
}

inline tern_tracker_info trackers::get(std::size_t index) const
{
    tern_tracker_info out{};
    detail::check(tern_trackers_get_sized(handle::get(), index, &out, sizeof out), nullptr);
    return out;
}

inline tern::metainfo metainfo::parse(bytes_view bytes)
{
    tern_metainfo *out = nullptr;
    tern_error *err = nullptr;
    const tern_result result = tern_metainfo_parse(bytes.ptr, bytes.len, &out, &err);
    detail::check(result, err);
    return tern::metainfo(out);
}

inline tern::metainfo metainfo::load(std::string_view path)
{
    tern_metainfo *out = nullptr;
    tern_error *err = nullptr;
    const tern_result result = tern_metainfo_load(path.data(), path.size(), &out, &err);
    detail::check(result, err);
    return tern::metainfo(out);
}

inline bytes_view metainfo::info_hash() const
{
    const auto value = tern_metainfo_info_hash(handle::get());
    return value;
}

inline bytes_view metainfo::name() const
{
    const auto value = tern_metainfo_name(handle::get());
    return value;
}

inline bytes_view metainfo::name_raw() const
{
    const auto value = tern_metainfo_name_raw(handle::get());
    return value;
}

inline bytes_view metainfo::comment() const
{
    const auto value = tern_metainfo_comment(handle::get());
    return value;
}

inline bytes_view metainfo::created_by() const
{
    const auto value = tern_metainfo_created_by(handle::get());
    return value;
}

inline bytes_view metainfo::source() const
{
    const auto value = tern_metainfo_source(handle::get());
    return value;
}

inline std::int64_t metainfo::creation_date() const
{
    const auto value = tern_metainfo_creation_date(handle::get());
    return value;
}

inline std::int32_t metainfo::is_private() const
{
    const auto value = tern_metainfo_is_private(handle::get());
    return value;
}

inline std::int32_t metainfo::is_multi_file() const
{
    const auto value = tern_metainfo_is_multi_file(handle::get());
    return value;
}

inline std::uint64_t metainfo::total_size() const
{
    const auto value = tern_metainfo_total_size(handle::get());
    return value;
}

inline std::uint32_t metainfo::piece_length() const
{
    const auto value = tern_metainfo_piece_length(handle::get());
    return value;
}

inline std::uint32_t metainfo::piece_size(std::uint32_t piece) const
{
    const auto value = tern_metainfo_piece_size(handle::get(), piece);
    return value;
}

inline std::uint32_t metainfo::piece_count() const
{
    const auto value = tern_metainfo_piece_count(handle::get());
    return value;
}

inline bytes_view metainfo::piece_hash(std::uint32_t piece) const
{
    const auto value = tern_metainfo_piece_hash(handle::get(), piece);
    return value;
}

inline std::uint32_t metainfo::file_count() const
{
    const auto value = tern_metainfo_file_count(handle::get());
    return value;
}

inline tern_file_info metainfo::file(std::uint32_t file) const
{
    tern_file_info out{};
    detail::check(tern_metainfo_file_sized(handle::get(), file, &out, sizeof out), nullptr);
    return out;
}

inline bytes_view metainfo::file_component(std::uint32_t file, std::uint32_t component) const
{
    const auto value = tern_metainfo_file_component(handle::get(), file, component);
    return value;
}

inline std::uint32_t metainfo::tracker_count() const
{
    const auto value = tern_metainfo_tracker_count(handle::get());
    return value;
}

inline bytes_view metainfo::tracker(std::uint32_t index, std::uint32_t *out_tier) const
{
    const auto value = tern_metainfo_tracker(handle::get(), index, out_tier);
    return value;
}

inline std::uint32_t metainfo::web_seed_count() const
{
    const auto value = tern_metainfo_web_seed_count(handle::get());
    return value;
}

inline bytes_view metainfo::web_seed(std::uint32_t index) const
{
    const auto value = tern_metainfo_web_seed(handle::get(), index);
    return value;
}

inline std::uint32_t metainfo::node_count() const
{
    const auto value = tern_metainfo_node_count(handle::get());
    return value;
}

inline bytes_view metainfo::node(std::uint32_t index, std::uint16_t *out_port) const
{
    const auto value = tern_metainfo_node(handle::get(), index, out_port);
    return value;
}

inline buf metainfo::take_magnet() const
{
    tern_buf out = {nullptr, 0};
    tern_error *err = nullptr;
    const tern_result result = tern_metainfo_take_magnet(handle::get(), &out, &err);
    detail::check(result, err);
    return buf(out);
}

inline bytes_view metainfo::info_bytes() const
{
    const auto value = tern_metainfo_info_bytes(handle::get());
    return value;
}

inline bytes_view metainfo::bytes() const
{
    const auto value = tern_metainfo_bytes(handle::get());
    return value;
}

inline create::create(std::string_view path) : handle(nullptr)
{
    tern_create *out = nullptr;
    tern_error *err = nullptr;
    const tern_result result = tern_create_new(path.data(), path.size(), &out, &err);
    detail::check(result, err);
    reset(out);
}

inline void create::set_piece_length(std::uint32_t bytes)
{
    tern_error *err = nullptr;
    const tern_result result = tern_create_set_piece_length(handle::get(), bytes, &err);
    detail::check(result, err);
}

inline void create::set_name(std::string_view name)
{
    tern_error *err = nullptr;
    const tern_result result = tern_create_set_name(handle::get(), name.data(), name.size(), &err);
    detail::check(result, err);
}

inline void create::set_comment(std::string_view comment)
{
    tern_error *err = nullptr;
    const tern_result result = tern_create_set_comment(handle::get(), comment.data(), comment.size(), &err);
    detail::check(result, err);
}

inline void create::set_created_by(std::string_view program)
{
    tern_error *err = nullptr;
    const tern_result result = tern_create_set_created_by(handle::get(), program.data(), program.size(), &err);
    detail::check(result, err);
}

inline void create::set_creation_date(std::int64_t seconds)
{
    tern_error *err = nullptr;
    const tern_result result = tern_create_set_creation_date(handle::get(), seconds, &err);
    detail::check(result, err);
}

inline void create::set_source(std::string_view source)
{
    tern_error *err = nullptr;
    const tern_result result = tern_create_set_source(handle::get(), source.data(), source.size(), &err);
    detail::check(result, err);
}

inline void create::set_private(std::int32_t is_private)
{
    tern_error *err = nullptr;
    const tern_result result = tern_create_set_private(handle::get(), is_private, &err);
    detail::check(result, err);
}

inline void create::set_flags(std::uint32_t flags)
{
    tern_error *err = nullptr;
    const tern_result result = tern_create_set_flags(handle::get(), flags, &err);
    detail::check(result, err);
}

inline void create::set_threads(std::uint32_t threads)
{
    tern_error *err = nullptr;
    const tern_result result = tern_create_set_threads(handle::get(), threads, &err);
    detail::check(result, err);
}

inline void create::set_hash_path(std::string_view path)
{
    tern_error *err = nullptr;
    const tern_result result = tern_create_set_hash_path(handle::get(), path.data(), path.size(), &err);
    detail::check(result, err);
}

inline void create::add_tracker(std::uint32_t tier, std::string_view url)
{
    tern_error *err = nullptr;
    const tern_result result = tern_create_add_tracker(handle::get(), tier, url.data(), url.size(), &err);
    detail::check(result, err);
}

inline void create::add_web_seed(std::string_view url)
{
    tern_error *err = nullptr;
    const tern_result result = tern_create_add_web_seed(handle::get(), url.data(), url.size(), &err);
    detail::check(result, err);
}

inline buf create::run(tern_progress_fn progress, void *user)
{
    tern_buf out = {nullptr, 0};
    tern_error *err = nullptr;
    const tern_result result = tern_create_run(handle::get(), progress, user, &out, &err);
    detail::check(result, err);
    return buf(out);
}

inline std::int32_t create::step(std::uint64_t max_bytes, std::uint64_t *out_done, std::uint64_t *out_total)
{
    tern_error *err = nullptr;
    const auto value = tern_create_step(handle::get(), max_bytes, out_done, out_total, &err);
    detail::check(value, err);
    return value;
}

inline buf create::take()
{
    tern_buf out = {nullptr, 0};
    tern_error *err = nullptr;
    const tern_result result = tern_create_take(handle::get(), &out, &err);
    detail::check(result, err);
    return buf(out);
}

inline void session::dht_get_peers(const std::uint8_t *info_hash, std::uint32_t flags, std::uint16_t port, std::uint64_t *out_token) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_session_dht_get_peers(handle::get(), info_hash, flags, port, out_token, &err);
    detail::check(result, err);
}

inline void session::dht_get(const std::uint8_t *target, std::uint64_t *out_token) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_session_dht_get(handle::get(), target, out_token, &err);
    detail::check(result, err);
}

inline void session::dht_get_mutable(const std::uint8_t *key, bytes_view salt, std::uint64_t *out_token) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_session_dht_get_mutable(handle::get(), key, salt.ptr, salt.len, out_token, &err);
    detail::check(result, err);
}

inline void session::dht_put(bytes_view value, std::uint64_t *out_token) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_session_dht_put(handle::get(), value.ptr, value.len, out_token, &err);
    detail::check(result, err);
}

inline void session::dht_put_mutable(const std::uint8_t *secret, bytes_view salt, bytes_view value, std::int64_t replaces, std::uint64_t *out_token) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_session_dht_put_mutable(handle::get(), secret, salt.ptr, salt.len, value.ptr, value.len, replaces, out_token, &err);
    detail::check(result, err);
}

inline void session::dht_put_signed(const std::uint8_t *key, bytes_view salt, std::int64_t seq, const std::uint8_t *signature, bytes_view value, std::uint64_t *out_token) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_session_dht_put_signed(handle::get(), key, salt.ptr, salt.len, seq, signature, value.ptr, value.len, out_token, &err);
    detail::check(result, err);
}

inline void session::dht_ping(std::string_view node, std::uint64_t *out_token) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_session_dht_ping(handle::get(), node.data(), node.size(), out_token, &err);
    detail::check(result, err);
}

inline void session::dht_find_node(const std::uint8_t *target, std::uint64_t *out_token) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_session_dht_find_node(handle::get(), target, out_token, &err);
    detail::check(result, err);
}

inline void session::dht_sample(const std::uint8_t *target, std::string_view node, std::uint64_t *out_token) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_session_dht_sample(handle::get(), target, node.data(), node.size(), out_token, &err);
    detail::check(result, err);
}

inline void session::dht_follow(const std::uint8_t *key, bytes_view salt, std::uint32_t interval_secs, std::string_view save_path, std::uint64_t *out_token) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_session_dht_follow(handle::get(), key, salt.ptr, salt.len, interval_secs, save_path.data(), save_path.size(), out_token, &err);
    detail::check(result, err);
}

inline void session::dht_publish(const std::uint8_t *secret, bytes_view salt, const std::uint8_t *info_hash, std::uint64_t *out_token) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_session_dht_publish(handle::get(), secret, salt.ptr, salt.len, info_hash, out_token, &err);
    detail::check(result, err);
}

inline void session::dht_cancel(std::uint64_t token) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_session_dht_cancel(handle::get(), token, &err);
    detail::check(result, err);
}

inline void session::dht_add_node(std::string_view host) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_session_dht_add_node(handle::get(), host.data(), host.size(), &err);
    detail::check(result, err);
}

inline void session::dht_id(std::uint8_t *out) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_session_dht_id(handle::get(), out, &err);
    detail::check(result, err);
}

inline void session::dht_set_id(const std::uint8_t *id) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_session_dht_set_id(handle::get(), id, &err);
    detail::check(result, err);
}

inline buf session::take_dht_nodes() const
{
    tern_buf out = {nullptr, 0};
    tern_error *err = nullptr;
    const tern_result result = tern_session_take_dht_nodes(handle::get(), &out, &err);
    detail::check(result, err);
    return buf(out);
}

inline tern_dht_stats session::dht_stats() const
{
    tern_dht_stats out{};
    tern_error *err = nullptr;
    const tern_result result = tern_session_dht_stats_sized(handle::get(), &out, sizeof out, &err);
    detail::check(result, err);
    return out;
}

inline void session::set_dht_hook(std::int32_t mode, std::uint32_t flags, tern_hook_fn hook, void *user, tern_destroy_fn destroy) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_session_set_dht_hook(handle::get(), mode, flags, hook, user, destroy, &err);
    detail::check(result, err);
}

inline buf session::take_state() const
{
    tern_buf out = {nullptr, 0};
    tern_error *err = nullptr;
    const tern_result result = tern_session_take_state(handle::get(), &out, &err);
    detail::check(result, err);
    return buf(out);
}

inline void session::load_state(bytes_view state) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_session_load_state(handle::get(), state.ptr, state.len, &err);
    detail::check(result, err);
}

inline void add::set_dht(std::int32_t on)
{
    tern_error *err = nullptr;
    const tern_result result = tern_add_set_dht(handle::get(), on, &err);
    detail::check(result, err);
}

inline void torrent::set_dht(std::int32_t on) const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_set_dht(handle::get(), on, &err);
    detail::check(result, err);
}

inline void torrent::dht_announce() const
{
    tern_error *err = nullptr;
    const tern_result result = tern_torrent_dht_announce(handle::get(), &err);
    detail::check(result, err);
}

/// Version of the library: `TERN_VERSION_NUM` of the header it was built with.
inline std::uint32_t version()
{
    const auto value = tern_version();
    return value;
}

/// Version as text, for example `0.1.0`. Static.
inline const char *version_string()
{
    const auto value = tern_version_string();
    return value;
}

/// Checks that a header fits this library: pass `TERN_VERSION_NUM`, `sizeof(tern_event)` and
/// `sizeof(tern_status)`. Wrappers call it when they are loaded.
inline void abi_check(std::uint32_t header_version, std::size_t event_size, std::size_t status_size)
{
    detail::check(tern_abi_check(header_version, event_size, status_size), nullptr);
}

/// 1 when the library has a feature, else 0. `feature` is NUL-terminated: `tls`, `store`, `v1`,
/// `v2`, `dht`, `utp`, `mse`. Unknown names are 0.
inline std::int32_t has(const char *feature)
{
    const auto value = tern_has(feature);
    return value;
}

/// Name of a result, for example `TERN_E_GONE`; `TERN_E_UNKNOWN` for others. Static.
inline const char *result_name(tern_result result)
{
    const auto value = tern_result_name(result);
    return value;
}

/// One line about a result, for people. Static.
inline const char *result_text(tern_result result)
{
    const auto value = tern_result_text(result);
    return value;
}

/// Name of an event kind in lower case, for example `piece_passed`; `unknown` for others. Static.
inline const char *event_name(std::int32_t kind)
{
    const auto value = tern_event_name(kind);
    return value;
}

/// Name of a torrent state in lower case, for example `downloading`; `unknown` for others. Static.
inline const char *state_name(std::int32_t state)
{
    const auto value = tern_state_name(state);
    return value;
}

/// Describes the option with this id.
inline tern_option_info option_by_id(std::uint32_t option)
{
    tern_option_info out{};
    tern_error *err = nullptr;
    const tern_result result = tern_option_by_id_sized(option, &out, sizeof out, &err);
    detail::check(result, err);
    return out;
}

/// Describes the option with this name.
inline tern_option_info option_by_name(std::string_view name)
{
    tern_option_info out{};
    tern_error *err = nullptr;
    const tern_result result = tern_option_by_name_sized(name.data(), name.size(), &out, sizeof out, &err);
    detail::check(result, err);
    return out;
}

/// Describes the option after `option` in the table; 0 gives the first. `TERN_E_NOT_FOUND` at the
/// end.
inline tern_option_info option_next(std::uint32_t option)
{
    tern_option_info out{};
    tern_error *err = nullptr;
    const tern_result result = tern_option_next_sized(option, &out, sizeof out, &err);
    detail::check(result, err);
    return out;
}

/// The info-hash (20 bytes) that a magnet link names. `TERN_E_MAGNET`, `TERN_E_UNSUPPORTED` when it
/// names no torrent of version 1.
inline std::array<std::uint8_t, 20> magnet_info_hash(std::string_view link)
{
    std::array<std::uint8_t, 20> out{};
    tern_error *err = nullptr;
    const tern_result result = tern_magnet_info_hash(link.data(), link.size(), out.data(), &err);
    detail::check(result, err);
    return out;
}

/// The ed25519 key pair that follows from 32 bytes of the host's entropy: a secret key (64 bytes,
/// expanded form, as libtorrent has it) and a public key (32 bytes). Either output may be NULL.
inline void dht_keypair(const std::uint8_t *seed, std::uint8_t *out_secret = nullptr, std::uint8_t *out_public = nullptr)
{
    tern_error *err = nullptr;
    const tern_result result = tern_dht_keypair(seed, out_secret, out_public, &err);
    detail::check(result, err);
}

/// Signs a bencoded value as version `seq` of an item under a salt (BEP 44): writes 64 bytes.
inline void dht_sign(const std::uint8_t *secret, bytes_view salt, std::int64_t seq, bytes_view value, std::uint8_t *out_signature = nullptr)
{
    tern_error *err = nullptr;
    const tern_result result = tern_dht_sign(secret, salt.ptr, salt.len, seq, value.ptr, value.len, out_signature, &err);
    detail::check(result, err);
}

/// Where an item is stored (BEP 44): writes 20 bytes. With `key` NULL the SHA-1 of a bencoded
/// value; else that of the key (32 bytes) and the salt, and the value is not looked at.
inline void dht_target(const std::uint8_t *key, bytes_view salt, bytes_view value, std::uint8_t *out_target = nullptr)
{
    tern_error *err = nullptr;
    const tern_result result = tern_dht_target(key, salt.ptr, salt.len, value.ptr, value.len, out_target, &err);
    detail::check(result, err);
}

inline std::uint32_t session::close(std::int32_t timeout_ms) const
{
    tern_error *err = nullptr;
    std::uint32_t unsaved = 0;
    const tern_result result =
        tern_session_close(handle::get(), timeout_ms, &unsaved, &err);
    if (result == TERN_E_TIMEOUT) {
        tern_error_free(err);
        return unsaved;
    }
    detail::check(result, err);
    return 0;
}

} // namespace tern

#endif
