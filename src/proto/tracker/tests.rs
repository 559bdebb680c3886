//! The tracker client by bytes and by scenario.

mod announcing;
mod exchange;
mod replies;
