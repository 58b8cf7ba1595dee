//! The bit strings that H.264 headers are made of (ITU-T H.264, 7.2 and 9.1).

/// Reads the payload of a NAL unit, emulation prevention taken out.
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> BitReader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn bit(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// u(n)
    pub(super) fn bits(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0, |value, _| Some(value << 1 | u32::from(self.bit()?)))
    }

    /// ue(v)
    pub(super) fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.bits(zeros)?)
    }

    /// se(v)
    pub(super) fn se(&mut self) -> Option<i32> {
        let code = self.ue()?;
        let magnitude = i32::try_from(code.div_ceil(2)).ok()?;
        Some(if code % 2 == 1 { magnitude } else { -magnitude })
    }
}

/// Writes the payload of a NAL unit.
#[derive(Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    free: u32,
}

impl BitWriter {
    pub(super) fn bits(&mut self, value: u32, count: u32) {
        for bit in (0..count).rev() {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            self.free -= 1;
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> bit & 1) as u8) << self.free;
            }
        }
    }

    pub(super) fn ue(&mut self, value: u32) {
        let length = (value + 1).ilog2();
        self.bits(0, length);
        self.bits(value + 1, length + 1);
    }

    /// Ends the payload and makes a NAL unit of it: start code, header, emulation prevention.
    pub(super) fn into_nal(mut self, header: u8) -> Vec<u8> {
        self.bits(1, 1);
        let mut nal = vec![0, 0, 0, 1, header];
        let mut zeros = 0;
        for byte in self.bytes {
            if zeros >= 2 && byte <= 3 {
                nal.push(3);
                zeros = 0;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            nal.push(byte);
        }
        nal
    }
}

/// The NAL units of an Annex B stream, without their start codes.
pub(super) fn nal_units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let starts: Vec<usize> =
        (3..=stream.len()).filter(|&at| stream[at - 3..at] == [0, 0, 1]).collect();
    let ends: Vec<usize> =
        starts.iter().skip(1).map(|&next| next - 3).chain([stream.len()]).collect();
    starts.into_iter().zip(ends).map(|(start, end)| {
        let nal = &stream[start..end];
        // The fourth byte of the next start code.
        nal.strip_suffix(&[0]).unwrap_or(nal)
    })
}

/// A NAL unit's payload, its header and the emulation prevention taken out.
pub(super) fn payload(nal: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(nal.len());
    let mut zeros = 0;
    for &byte in nal.iter().skip(1) {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let mut writer = BitWriter::default();
        let values = [0, 1, 2, 7, 8, 255, 8159, 0, 0, 0];
        for value in values {
            writer.ue(value);
            writer.bits(0, 15);
        }
        let nal = writer.into_nal(0x61);
        let unit = nal_units(&nal).next().unwrap();
        assert_eq!(unit[0], 0x61);
        let payload = payload(unit);
        let mut reader = BitReader::new(&payload);
        for value in values {
            assert_eq!(reader.ue(), Some(value));
            assert_eq!(reader.bits(15), Some(0));
        }
        assert_eq!(reader.bit(), Some(true), "the stop bit");
    }

    #[test]
    fn a_start_code_never_appears_inside_a_unit() {
        let mut writer = BitWriter::default();
        writer.bits(0, 32);
        writer.bits(1, 32);
        writer.bits(0, 32);
        let nal = writer.into_nal(0x61);
        assert!(nal[4..].windows(3).all(|w| !(w[0] == 0 && w[1] == 0 && w[2] <= 2)));
        assert_eq!(payload(&nal[4..])[..12], [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    }
}
