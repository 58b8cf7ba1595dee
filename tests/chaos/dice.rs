//! A seeded random source, and the faults that it chooses.

use std::time::{Duration, SystemTime};

use nemovideo::ErrorCode;
use nemovideo::local::{Cut, Ending, ErrorReply, Fault, FaultHandle, Faults, FaultyResponse};
use nemovideo::protocol::Endpoint;

/// Returns the seed in `NEMOVIDEO_SEED`, or one that differs from run to run.
pub(crate) fn seed() -> u64 {
    match std::env::var("NEMOVIDEO_SEED") {
        Ok(seed) => seed.parse().expect("NEMOVIDEO_SEED is a number"),
        Err(_) => {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            Dice::new(now.expect("a time after 1970").as_nanos() as u64).below(1_000_000)
        }
    }
}

/// A SplitMix64 generator: small, sufficient, and the same on every platform.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the independent dice of one of several workers.
    pub(crate) const fn of_worker(seed: u64, index: u64) -> Self {
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

    /// Returns a number in `0..end`.
    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Returns true with this chance in percent.
    pub(crate) const fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// Returns one of these.
    pub(crate) fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize].clone()
    }

    /// Injects up to three faults on these endpoints, and sometimes expires the token. Returns the
    /// fault that fails a render, if there is one.
    pub(crate) fn inject_faults(
        &mut self,
        faults: &Faults,
        endpoints: &[Endpoint],
    ) -> Option<FaultHandle> {
        let mut failing = None;
        for _ in 0..self.below(4) {
            let endpoint = self.one_of(endpoints);
            let fault = self.fault(endpoint);
            let (after, times) = (self.below(3), 1 + self.below(2));
            if fault != Fault::FailedRender {
                faults.inject(fault).on(endpoint).after(after).times(times);
            } else if failing.is_none() {
                // A render that fails twice is a failure, which no client recovers from.
                failing = Some(faults.inject(fault).on(endpoint).once());
            }
        }
        if endpoints.contains(&Endpoint::File) && self.percent(2) {
            // An outage that no download survives.
            for endpoint in [Endpoint::File, Endpoint::RenderDownload] {
                faults.inject(Fault::ReplaceResponse(FaultyResponse::Reset)).on(endpoint).always();
            }
        }
        if self.percent(10) {
            faults.expire_tokens();
            if self.percent(30) {
                // The response is replaced, not dropped: the service would issue no other token
                // for a week.
                faults
                    .inject(Fault::ReplaceResponse(FaultyResponse::Reset))
                    .on(Endpoint::Token)
                    .once();
            }
        }
        failing
    }

    fn fault(&mut self, endpoint: Endpoint) -> Fault {
        let ending = self.one_of(&[Ending::Reset, Ending::Close, Ending::Stall]);
        let response = self.one_of(&[
            FaultyResponse::Reset,
            FaultyResponse::Close,
            FaultyResponse::Stall,
            FaultyResponse::NotHttp,
            FaultyResponse::Html,
            FaultyResponse::BrokenJson,
            ErrorReply::status(500).into(),
            ErrorReply::status(503).into(),
        ]);
        let every = Duration::from_millis(5);
        let mut choices = vec![
            Fault::StopReading { bytes: self.below(600), ending },
            Fault::ReplaceResponse(response.clone()),
            Fault::ReplaceResponse(ErrorReply::code(ErrorCode::RateLimited).into()),
            // None of these is an error response with a code: after the work it would be false.
            Fault::DropResponse(response.clone()),
            Fault::DropResponse(response),
            Fault::Cut(Cut::Bytes(self.below(400)), ending),
            Fault::WrongContentType,
        ];
        match endpoint {
            Endpoint::Message => choices.extend([
                Fault::Cut(Cut::Events(self.below(4) as u32), ending),
                Fault::Cut(Cut::Events(self.below(4) as u32), Ending::Heartbeats { every }),
                Fault::Cut(Cut::Character, Ending::End),
                Fault::DropResponse(FaultyResponse::Heartbeats { every }),
                Fault::LateWork { reads: self.below(5) as u32, ending },
            ]),
            Endpoint::RenderSubmit => choices.extend([
                Fault::FailedRender,
                Fault::FailedRender,
                Fault::SlowRender { polls: self.below(4) as u32 },
            ]),
            Endpoint::File | Endpoint::RenderDownload => {
                choices.extend([Fault::ShortFile, Fault::IgnoredRange, Fault::ChangedFile])
            }
            _ => {}
        }
        self.one_of(&choices)
    }
}
