
    /// The same, INLINE, with anything that can be called with `(const tern_event &)` or `(const
    /// tern_event &, std::int64_t &detail)` and gives a `TERN_VERDICT_*`; what it throws becomes
    /// FAIL. It is destroyed when the library is done with it.
    template <class F> void NAME(F f, std::uint32_t flags = 0)CONST
    {
        auto kept = std::make_unique<F>(std::move(f));
        NAME(TERN_HOOK_INLINE, flags, &detail::hook<F>, kept.release(), &detail::destroy<F>);
    }
