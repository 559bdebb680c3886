
    /// The same with anything that can be called with `(done, total)` and gives 0 to go on.
    template <class F> RESULT NAME(F f) { return NAME(&detail::progress<F>, &f); }

    /// The same without progress.
    RESULT NAME() { return NAME(nullptr, nullptr); }
