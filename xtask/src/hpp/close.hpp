
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
