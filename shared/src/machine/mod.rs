//! State machines that both programs use. Pure: time comes in as an argument.

pub mod liveness;
