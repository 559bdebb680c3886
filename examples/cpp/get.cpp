// Fetches a torrent, with a verify hook and a save hook that are lambdas:
//
//     get FILE.torrent DIR [HOST:PORT ...]
//
// Prints `have K of N` as pieces pass and `complete` at the end. Nothing is freed by hand.
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <string>

#include <tern.hpp>

namespace {

// True when the torrent is complete.
bool show(const tern_event &event, const tern::torrent &torrent)
{
    const tern_status status = torrent.status();
    if (event.kind == TERN_EVENT_PIECE_PASSED)
        std::cout << "have " << status.pieces_have << " of " << status.pieces_total << '\n';
    else if (event.event_class == TERN_CLASS_ERROR)
        std::cerr << tern::event_name(event.kind) << ": " << tern::text(event.text) << '\n';
    return status.is_finished != 0;
}

void run(int argc, char **argv)
{
    tern::config config;
    config.set_str(TERN_OPT_USER_AGENT, "get.cpp");
    const tern::session session(config);

    tern::add add;
    add.set_metainfo_file(argv[1]);
    add.set_save_path(argv[2]);
    for (int i = 3; i < argc; ++i)
        add.add_peer(argv[i]);
    // Runs on the session's hook thread. What is thrown in it stops the torrent, nothing else.
    add.set_verify_hook([](const tern_event &request) {
        return request.code ? TERN_VERDICT_ACCEPT : TERN_VERDICT_REJECT;
    });
    const std::string place = std::string(argv[2]) + "/get.resume";
    add.set_save_hook([place](const tern_event &request) {
        std::ofstream file(place, std::ios::binary | std::ios::trunc);
        file << tern::text(request.data) << std::flush; // a real one syncs and renames
        return file ? TERN_VERDICT_ACCEPT : TERN_VERDICT_REJECT;
    });
    const tern::torrent torrent = session.add(add);

    for (bool complete = torrent.status().is_finished != 0; !complete;) {
        session.wait(-1);
        const tern::batch batch = session.take(0);
        for (const tern_event &event : batch)
            complete = show(event, torrent) || complete;
    }
    session.close();
    std::cout << "complete\n";
}

} // namespace

int main(int argc, char **argv)
{
    if (argc < 3) {
        std::cerr << "usage: get FILE.torrent DIR [HOST:PORT ...]\n";
        return 2;
    }
    try {
        run(argc, argv);
    } catch (const tern::error &error) {
        std::cerr << "get: " << error.what() << " (" << tern::result_name(error.code()) << ")\n";
        return 1;
    }
    return 0;
}
