//! Checksums of other programs' files and of our own: the 32-bit CRCs, reflected, a byte at a time by table.

/// The table of a polynomial, given reflected: CRC-32 of zip is `0xedb8_8320`, Castagnoli's `0x82f6_3b78`.
pub const fn table(polynomial: u32) -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ polynomial } else { crc >> 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
}

/// The checksum of `bytes` by the table of its polynomial.
pub fn checksum<'a>(table: &[u32; 256], bytes: impl IntoIterator<Item = &'a u8>) -> u32 {
    !bytes.into_iter().fold(!0, |crc, byte| table[((crc ^ u32::from(*byte)) & 0xff) as usize] ^ crc >> 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_values_of_both_polynomials() {
        // As the catalogue of parametrised CRC algorithms gives them for CRC-32/ISO-HDLC and CRC-32/ISCSI.
        assert_eq!(checksum(&table(0xedb8_8320), b"123456789"), 0xcbf4_3926);
        assert_eq!(checksum(&table(0x82f6_3b78), b"123456789"), 0xe306_9283);
    }
}
