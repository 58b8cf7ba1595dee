//! Chance that can be repeated, and what it throws in the way of a program.

use std::time::Duration;

use nemovideo::ErrorCode;
use nemovideo::local::{Cut, Ending, Fault, FaultHandle, Faults, FaultyResponse, Refusal, Route};

/// SplitMix64: small, good enough, and the same everywhere.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice of their own for one of many that run at once.
    pub(crate) const fn for_one(seed: u64, index: u64) -> Self {
        let mut dice = Self(seed ^ index.wrapping_mul(0xA076_1D64_78BD_642F));
        dice.next();
        dice
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to, and without, this number.
    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) const fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize].clone()
    }

    /// Plans up to three faults on these routes, and sometimes ends the token. The render that is
    /// to fail, if one is.
    pub(crate) fn spoil(&mut self, faults: &Faults, routes: &[Route]) -> Option<FaultHandle> {
        let mut failing = None;
        for _ in 0..self.below(4) {
            let route = self.one_of(routes);
            let fault = self.fault(route);
            let (after, times) = (self.below(3), 1 + self.below(2));
            if fault != Fault::FailedRender {
                faults.inject(fault).on(route).after(after).times(times);
            } else if failing.is_none() {
                // One that fails twice has failed, and is no chaos.
                failing = Some(faults.inject(fault).on(route).once());
            }
        }
        if self.percent(10) {
            faults.expire_tokens();
            if self.percent(30) {
                // A token that was given out and lost is lost for a week: only refusals here.
                faults
                    .inject(Fault::ReplaceResponse(FaultyResponse::Reset))
                    .on(Route::Token)
                    .once();
            }
        }
        failing
    }

    fn fault(&mut self, route: Route) -> Fault {
        let ending = self.one_of(&[Ending::Reset, Ending::Close, Ending::Stall]);
        let trouble = self.one_of(&[
            FaultyResponse::Reset,
            FaultyResponse::Close,
            FaultyResponse::Stall,
            FaultyResponse::NotHttp,
            FaultyResponse::Html,
            FaultyResponse::BrokenJson,
            Refusal::status(500).into(),
            Refusal::status(503).into(),
        ]);
        let every = Duration::from_millis(5);
        let mut choices = vec![
            Fault::StopReading { bytes: self.below(600), ending },
            Fault::ReplaceResponse(trouble.clone()),
            Fault::ReplaceResponse(Refusal::code(ErrorCode::RateLimited).into()),
            // What says "refused" after the work would be a lie, and is not among these.
            Fault::DropResponse(trouble.clone()),
            Fault::DropResponse(trouble),
            Fault::Cut(Cut::Bytes(self.below(400)), ending),
            Fault::WrongContentType,
        ];
        match route {
            Route::Message => choices.extend([
                Fault::Cut(Cut::Events(self.below(4) as u32), ending),
                Fault::Cut(Cut::Events(self.below(4) as u32), Ending::Heartbeats { every }),
                Fault::Cut(Cut::Character, Ending::End),
                Fault::DropResponse(FaultyResponse::Heartbeats { every }),
                Fault::LateWork { reads: self.below(5) as u32, ending },
            ]),
            Route::RenderSubmit => choices.extend([
                Fault::FailedRender,
                Fault::FailedRender,
                Fault::SlowRender { polls: self.below(4) as u32 },
            ]),
            Route::File | Route::RenderDownload => {
                choices.extend([Fault::ShortFile, Fault::IgnoredRange, Fault::ChangedFile])
            }
            _ => {}
        }
        self.one_of(&choices)
    }
}
