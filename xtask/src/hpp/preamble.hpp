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
