//! `make run`: a server on loopback and two windows, Alice and Bob, already friends.
fn main() {}
