//! `GET /api/credits/balance/simple`: what is left, and what is held.

use std::fmt;
use std::ops::{Add, Sub};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::tolerant::{number, or_none};

/// An amount of credits, the service's money.
///
/// ```
/// use nemovideo::Credits;
///
/// let left = Credits::new(100.0) - Credits::new(2.5);
/// assert_eq!(left.to_string(), "97.5");
/// assert!(left > Credits::ZERO);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Credits(f64);

impl<'de> Deserialize<'de> for Credits {
    /// A number, also as text.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        number(&value).map(Self).ok_or_else(|| D::Error::custom("an amount is a number"))
    }
}

impl Serialize for Credits {
    /// Whole amounts are written as the service writes them, without a fraction.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let whole = self.0 as i64;
        if whole as f64 == self.0 {
            serializer.serialize_i64(whole)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

impl Credits {
    /// None at all.
    pub const ZERO: Self = Self(0.0);

    /// An amount.
    #[must_use]
    pub const fn new(amount: f64) -> Self {
        Self(amount)
    }

    /// The amount as a number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl Add for Credits {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Credits {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl fmt::Display for Credits {
    /// Whole amounts without a fraction, others as they are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// An account's credits.
///
/// ```
/// use nemovideo::{CreditBalance, Credits};
///
/// let told: CreditBalance = serde_json::from_str(r#"{"available":80,"frozen":20}"#)?;
/// assert_eq!(told, CreditBalance::new(Credits::new(80.0), Credits::new(20.0)));
/// assert_eq!(told.total, Credits::new(100.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Balance")]
#[non_exhaustive]
pub struct CreditBalance {
    /// What can be spent.
    pub available: Credits,
    /// What work in progress holds.
    pub frozen: Credits,
    /// Both together.
    pub total: Credits,
}

impl CreditBalance {
    /// A balance of what can be spent and what is held.
    #[must_use]
    pub fn new(available: Credits, frozen: Credits) -> Self {
        Self { available, frozen, total: available + frozen }
    }
}

/// As it may come: only `available` is always there.
#[derive(Deserialize)]
struct Balance {
    available: Credits,
    #[serde(default, deserialize_with = "or_none")]
    frozen: Option<Credits>,
    #[serde(default, deserialize_with = "or_none")]
    total: Option<Credits>,
}

impl From<Balance> for CreditBalance {
    fn from(Balance { available, frozen, total }: Balance) -> Self {
        let frozen = frozen.unwrap_or(Credits::ZERO);
        Self { available, frozen, total: total.unwrap_or(available + frozen) }
    }
}

#[cfg(test)]
mod tests {
    use super::{CreditBalance, Credits};

    #[test]
    fn a_balance_without_its_sum_is_summed() {
        let balance: CreditBalance =
            serde_json::from_str(r#"{"available":60,"frozen":40}"#).unwrap();
        assert_eq!(balance, CreditBalance::new(Credits::new(60.0), Credits::new(40.0)));
        assert_eq!(balance.total.to_string(), "100");
        assert_eq!(Credits::new(2.5).to_string(), "2.5");
        assert_eq!(serde_json::to_string(&Credits::new(2.5)).unwrap(), "2.5");
        let written = serde_json::to_string(&balance).unwrap();
        assert_eq!(written, r#"{"available":60,"frozen":40,"total":100}"#);
    }
}
