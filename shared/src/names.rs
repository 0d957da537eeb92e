//! Words on the wire of which later versions may know more: those that this version knows are an enum, and any other is kept as it is
//! written. Error codes are such words, and what is done to a message.

/// Longest name, in bytes.
pub const LONGEST: usize = 64;

/// Makes the enum, its names, the way back from a name, and its form on the wire: the name as text.
macro_rules! wire_names {
    ($(#[$about:meta])* pub enum $names:ident { $($(#[$doc:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $names {
            $($(#[$doc])* $variant,)*
            /// Of a later version, at most 64 bytes.
            Other(String),
        }

        impl $names {
            /// All that this version knows.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant,)*];

            /// The name on the wire.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Other(name) => name,
                }
            }

            /// From the name on the wire.
            pub fn from_name(name: &str) -> Self {
                match name {
                    $($name => Self::$variant,)*
                    other => Self::Other($crate::names::later(other)),
                }
            }
        }

        impl serde::Serialize for $names {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.name())
            }
        }

        impl<'de> serde::Deserialize<'de> for $names {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                Ok(Self::from_name(&<std::borrow::Cow<'de, str>>::deserialize(d)?))
            }
        }
    };
}
pub(crate) use wire_names;

/// A name of a later version. People see it in sentences, so what is written like no name is not one.
pub(crate) fn later(name: &str) -> String {
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let named = (1..=LONGEST).contains(&name.len()) && name.bytes().all(is_name);
    if named { name } else { "unknown" }.to_owned()
}
