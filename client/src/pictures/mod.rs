//! Pictures that files hold, for the timelines, pictures that people show themselves with, and pictures that were pasted. A picture from
//! somebody else may be made to break whoever looks at it, so it is decoded in a process of its own that may do next to nothing, and only
//! small, plain pixels come back. Knows no toolkit; the window asks from its folders, the core when a person chooses a picture.
//!
//! - [`child`] what that process does: [`confine`] itself, then [`decode`]
//! - [`parent`] starts it and does not believe it; [`wire`] is how the two speak
//! - [`shelf`] what is known already, and what is looked at next
//! - [`avatar`] people's own pictures, chosen and shown, [`album`] what is known of them; [`pack`] makes a file of pixels
//! - [`pasted`] keeps what is pasted as a file

pub mod album;
pub mod avatar;
pub mod child;
pub mod confine;
pub mod decode;
pub mod pack;
pub mod parent;
pub mod pasted;
pub mod shelf;
pub mod wire;
