// tern.hpp: ownership moves, failures are thrown and carry what is known, hooks are callables whose
// exceptions stay out of the library.
#include "tern.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <type_traits>

namespace {

#define CHECK(cond)                                                                        \
    do {                                                                                   \
        if (!(cond)) {                                                                     \
            std::cerr << __FILE__ << ':' << __LINE__ << ": not true: " << #cond << '\n';   \
            std::exit(1);                                                                  \
        }                                                                                  \
    } while (0)

static_assert(!std::is_copy_constructible_v<tern::session>, "handles are move-only");
static_assert(std::is_nothrow_move_constructible_v<tern::session>, "moving cannot fail");
static_assert(!std::is_copy_constructible_v<tern::torrent> && !std::is_copy_assignable_v<tern::buf>,
              "handles are move-only");

namespace fs = std::filesystem;

struct scratch {
    fs::path top;
    scratch()
    {
        char name[] = "/tmp/tern-cpp-XXXXXX";
        CHECK(mkdtemp(name) != nullptr);
        top = name;
    }
    ~scratch() { fs::remove_all(top); }
};

tern::metainfo make(const fs::path &file, std::size_t size)
{
    std::ofstream out(file, std::ios::binary);
    for (std::size_t i = 0; i < size; ++i)
        out.put(static_cast<char>(i * 7 + i / 300));
    out.close();
    tern::create create(file.string());
    create.set_piece_length(16384);
    unsigned calls = 0;
    const tern::buf made = create.run([&](std::uint64_t done, std::uint64_t total) {
        CHECK(done <= total);
        ++calls;
        return 0;
    });
    CHECK(calls > 0 && !made.empty());
    return tern::metainfo::parse(made);
}

tern::session listening()
{
    tern::config config;
    config.set_str(TERN_OPT_LISTEN, "127.0.0.1:0");
    CHECK(config.get_str(TERN_OPT_LISTEN).str() == "127.0.0.1:0");
    return tern::session(config);
}

template <class F> void pump(const tern::session &session, F until)
{
    for (bool over = false; !over;) {
        CHECK(session.wait(60000) == 1);
        const tern::batch batch = session.take(0);
        for (const tern_event &event : batch)
            over = until(event) || over;
    }
}

void failures()
{
    try {
        tern::metainfo::load("/nonexistent/x.torrent");
        CHECK(false);
    } catch (const tern::error &error) {
        CHECK(error.code() == TERN_E_IO && error.os_errno() == ENOENT);
        CHECK(error.path() == "/nonexistent/x.torrent" && *error.what());
    }
    try {
        tern::config().set_int(TERN_OPT_NET_THREADS, -5);
        CHECK(false);
    } catch (const tern::error &error) {
        CHECK(error.code() == TERN_E_RANGE && error.detail() == TERN_OPT_NET_THREADS);
    }
    tern::config moved, taker(std::move(moved));
    CHECK(!moved && taker);
    try {
        moved.set_int(TERN_OPT_NET_THREADS, 1);
        CHECK(false);
    } catch (const tern::error &error) {
        CHECK(error.code() == TERN_E_INVALID);
    }
}

void exceptions_of_hooks(const tern::session &seeder, const tern::metainfo &info, const fs::path &top)
{
    const tern::session session = listening();
    tern::add add;
    add.set_metainfo_object(info);
    add.set_save_path((top / "thrown").string());
    add.add_peer("127.0.0.1:" + std::to_string(seeder.listen_port()));
    add.set_verify_hook([](const tern_event &) -> std::int32_t { throw std::runtime_error("no"); });
    const tern::torrent torrent = session.add(add);
    pump(session, [](const tern_event &e) { return e.kind == TERN_EVENT_VERIFIER_FAILED; });
    CHECK(torrent.status().state == TERN_STATE_FAILED);
}

void transfer(const fs::path &top)
{
    fs::create_directory(top / "seed");
    const tern::metainfo info = make(top / "seed" / "content", 300000);
    const tern::session seeder = listening(), leecher = listening();
    tern::add add;
    add.set_metainfo_object(info);
    add.set_save_path((top / "seed").string());
    const tern::torrent seed = seeder.add(add);
    pump(seeder, [](const tern_event &e) { return e.kind == TERN_EVENT_CHECKED; });

    auto counted = std::make_shared<unsigned>(0);
    {
        tern::add fetch;
        fetch.set_metainfo_object(info);
        fetch.set_save_path((top / "leech").string());
        fetch.add_peer("127.0.0.1:" + std::to_string(seeder.listen_port()));
        fetch.set_verify_hook([counted](const tern_event &, std::int64_t &) {
            ++*counted;
            return TERN_VERDICT_ACCEPT;
        });
        CHECK(counted.use_count() == 2);
        const tern::torrent torrent = leecher.add(fetch);
        pump(leecher, [](const tern_event &e) { return e.kind == TERN_EVENT_FINISHED; });
        CHECK(torrent.bitfield().size() == (info.piece_count() + 7) / 8);
        CHECK(torrent.file_progress() == std::vector<std::uint64_t>{300000});
        CHECK(torrent.read_piece(0).size() == 16384);
        CHECK(torrent.info_hash() == seed.info_hash());
        CHECK(torrent.take_save_path().str() == (top / "leech").string());
        const auto all = leecher.torrents();
        CHECK(all.size() == 1 && all[0].id() == torrent.id());
        CHECK(leecher.find(torrent.info_hash().data()).id() == torrent.id());
    }
    exceptions_of_hooks(seeder, info, top);
    CHECK(*counted == info.piece_count());
    CHECK(leecher.close(60000) == 0);
    // The lambda is gone with its torrent.
    CHECK(counted.use_count() == 1);
    CHECK(seeder.close(60000) == 0);
}

} // namespace

int main()
{
    CHECK(tern::version() == TERN_VERSION_NUM && std::string(tern::version_string()).size() > 2);
    CHECK(tern::option_by_name("net_threads").id == TERN_OPT_NET_THREADS);
    failures();
    const scratch place;
    transfer(place.top);
    return 0;
}
