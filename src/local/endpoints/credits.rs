//! What is left to spend.

use crate::local::answer::{Caller, Success};
use crate::protocol::CreditBalance;

pub(super) async fn balance(Caller(account): Caller) -> Success<CreditBalance> {
    Success(account.ledger.balance())
}
