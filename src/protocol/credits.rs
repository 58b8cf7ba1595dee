//! `GET /api/credits/balance/simple`: the credits of an account.

use std::fmt;
use std::ops::{Add, Sub};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::tolerant::number;
use crate::draft::Json;

/// An amount of credits, the currency of the service.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Credits(f64);

impl Credits {
    /// No credits.
    pub const ZERO: Self = Self(0.0);

    /// Creates an amount.
    #[must_use]
    pub const fn new(amount: f64) -> Self {
        Self(amount)
    }

    /// Returns the amount as a number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl From<f64> for Credits {
    fn from(amount: f64) -> Self {
        Self(amount)
    }
}

impl From<i32> for Credits {
    fn from(amount: i32) -> Self {
        Self(amount.into())
    }
}

impl<'de> Deserialize<'de> for Credits {
    /// Reads a number, also from text.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        amount_or_none(deserializer)?.ok_or_else(|| D::Error::custom("expected an amount"))
    }
}

fn amount_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Credits>, D::Error> {
    // Through `Value`, which any data format can deserialize.
    let value = serde_json::Value::deserialize(deserializer)?;
    let amount = value.as_f64().or_else(|| number(&Json::from_value(&value)));
    Ok(amount.map(Credits))
}

impl Serialize for Credits {
    /// Writes a whole amount without a fraction, as the service does.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let whole = self.0 as i64;
        if whole as f64 == self.0 {
            serializer.serialize_i64(whole)
        } else {
            serializer.serialize_f64(self.0)
        }
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
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The credits of an account.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "PartialBalance")]
#[non_exhaustive]
pub struct CreditBalance {
    /// The credits that can be spent.
    pub available: Credits,
    /// The credits held by work in progress.
    pub frozen: Credits,
    /// The sum of both.
    pub total: Credits,
}

impl CreditBalance {
    /// Creates a balance; `total` is the sum.
    #[must_use]
    pub fn new(available: Credits, frozen: Credits) -> Self {
        Self { available, frozen, total: available + frozen }
    }
}

/// A balance as the service sends it: only `available` is always present.
#[derive(Deserialize)]
struct PartialBalance {
    available: Credits,
    #[serde(default, deserialize_with = "amount_or_none")]
    frozen: Option<Credits>,
    #[serde(default, deserialize_with = "amount_or_none")]
    total: Option<Credits>,
}

impl From<PartialBalance> for CreditBalance {
    fn from(PartialBalance { available, frozen, total }: PartialBalance) -> Self {
        let frozen = frozen.unwrap_or(Credits::ZERO);
        Self { available, frozen, total: total.unwrap_or(available + frozen) }
    }
}

#[cfg(test)]
mod tests {
    use super::{CreditBalance, Credits};

    #[test]
    fn a_balance_without_a_total_is_summed() {
        let balance: CreditBalance =
            serde_json::from_str(r#"{"available":60,"frozen":40}"#).unwrap();
        assert_eq!(balance, CreditBalance::new(Credits::new(60.0), Credits::new(40.0)));
        assert_eq!(balance.total.to_string(), "100");
        assert_eq!(Credits::new(2.5).to_string(), "2.5");
        assert_eq!(serde_json::to_string(&Credits::new(2.5)).unwrap(), "2.5");
        let json = serde_json::to_string(&balance).unwrap();
        assert_eq!(json, r#"{"available":60,"frozen":40,"total":100}"#);
    }
}
