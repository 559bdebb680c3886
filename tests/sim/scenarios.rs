//! Named situations.
