//! Configuration types: private fields with defaults, `with_…` setters and getters; knows no other
//! module.

/// Defines a configuration type.
///
/// A field is written as the text that completes "Sets …" and "Returns …", more documentation of
/// the setter, and `setter, getter: type = default;`.
macro_rules! settings {
    ($(#[$attribute:meta])* $name:ident {
        $($what:literal $(#[$more:meta])* $with:ident, $field:ident: $type:ty = $default:expr;)+
    }) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name {
            $($field: $type,)+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl $name {
            $(
                #[doc = concat!("Sets ", $what, ".")]
                $(#[$more])*
                #[must_use]
                pub const fn $with(mut self, $field: $type) -> Self {
                    self.$field = $field;
                    self
                }

                #[doc = concat!("Returns ", $what, ".")]
                #[must_use]
                pub const fn $field(&self) -> $type {
                    self.$field
                }
            )+
        }
    };
}
