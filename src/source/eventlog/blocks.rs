//! The block streams that Spark's Java libraries write and no Rust crate reads: the headers of lz4-java, snappy-java and compress-lzf.
//! The compression inside is undone by `lz4_flex` and `snap`; LZF is small enough to be here. Called by `codec` alone.

use std::io::{self, BufRead, ErrorKind, Read};

use super::codec::{Plain, skip_past};

/// No block may claim more than this, compressed or plain: Spark writes 32 KiB blocks, the libraries allow up to 32 MiB.
const BLOCK_MAX: usize = 32 << 20;

/// A source that can go back to where the last block ended: a log that is still written may end for the moment inside one.
pub(super) struct Kept<R> {
    inner: R,
    /// What was read since then, and how much of it has been read again.
    kept: Vec<u8>,
    at: usize,
}

impl<R: BufRead> Kept<R> {
    fn new(inner: R) -> Self {
        Kept {
            inner,
            kept: Vec::new(),
            at: 0,
        }
    }

    /// A block ends here.
    fn mark(&mut self) {
        self.kept.drain(..self.at);
        self.at = 0;
    }

    /// Goes back to the last mark.
    fn again(&mut self) {
        self.at = 0;
    }

    /// What has not been read, to skip much of it: nothing of that is kept.
    fn rest(&mut self) -> &mut R {
        self.kept.clear();
        self.at = 0;
        &mut self.inner
    }
}

impl<R: BufRead> Read for Kept<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut at_hand = self.fill_buf()?;
        let n = at_hand.read(buf)?;
        self.consume(n);
        Ok(n)
    }
}

impl<R: BufRead> BufRead for Kept<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at < self.kept.len() {
            Ok(self.kept.get(self.at..).unwrap_or_default())
        } else {
            self.inner.fill_buf()
        }
    }

    fn consume(&mut self, n: usize) {
        if self.at == self.kept.len() {
            // What was filled a moment ago is still there.
            let had = self.inner.fill_buf().unwrap_or_default();
            self.kept.extend_from_slice(had.get(..n).unwrap_or_default());
            self.inner.consume(n);
        }
        self.at += n;
    }
}

/// One kind of block stream.
pub(super) trait NextBlock {
    /// Where the blocks come from.
    type Source: BufRead;

    /// The same, to mark where a block ends.
    fn source(&mut self) -> &mut Kept<Self::Source>;

    /// Puts the next block's plain bytes into `out` (empty on entry). `false` at a clean end of the stream.
    fn next_block(&mut self, out: &mut Vec<u8>) -> io::Result<bool>;

    /// Goes, behind a damaged block, to where the stream can be taken up again. `false`: nowhere.
    fn resume(&mut self) -> io::Result<bool>;
}

/// Reads the plain bytes of a block stream.
pub(super) struct Blocks<B> {
    blocks: B,
    plain: Vec<u8>,
    at: usize,
}

impl<B: NextBlock> Blocks<B> {
    pub(super) fn new(blocks: B) -> Self {
        Blocks {
            blocks,
            plain: Vec::new(),
            at: 0,
        }
    }
}

impl<B: NextBlock> Plain for Blocks<B> {
    fn resume(&mut self) -> io::Result<bool> {
        self.blocks.resume()
    }
}

impl<B: NextBlock> Read for Blocks<B> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.at == self.plain.len() {
            self.plain.clear();
            self.at = 0;
            self.blocks.source().mark();
            match self.blocks.next_block(&mut self.plain) {
                Ok(true) => {}
                Ok(false) => return Ok(0),
                Err(error) => {
                    // Whatever a failed block left behind is not data.
                    self.plain.clear();
                    if error.kind() == ErrorKind::WouldBlock {
                        self.blocks.source().again();
                    }
                    return Err(error);
                }
            }
        }
        let rest = self.plain.get(self.at..).unwrap_or_default();
        let n = rest.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        self.at += n;
        Ok(n)
    }
}

fn damaged(block: u64, what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("block {block}: {what}"))
}

/// Whether the stream ends here, between two blocks.
fn at_end(source: &mut impl BufRead) -> io::Result<bool> {
    loop {
        match source.fill_buf() {
            Ok(bytes) => return Ok(bytes.is_empty()),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// Fills `payload` with exactly `len` bytes; the buffer grows only as bytes really come.
fn read_payload(source: &mut impl BufRead, payload: &mut Vec<u8>, len: usize) -> io::Result<()> {
    payload.clear();
    if source.take(len as u64).read_to_end(payload)? < len {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

fn read_array<const N: usize>(source: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    source.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// lz4-java's `LZ4BlockOutputStream`: per block the sign `LZ4Block`, a token, three little-endian lengths and an XXH32 of the plain bytes.
pub(super) struct Lz4Blocks<R> {
    source: Kept<R>,
    payload: Vec<u8>,
    block: u64,
    /// The next block's sign was read already.
    signed: bool,
}

const LZ4_SIGN: [u8; 8] = *b"LZ4Block";

/// The seed lz4-java uses, and the mask it lays over the hash.
const LZ4_SEED: u32 = 0x9747_b28c;
const LZ4_HASH_MASK: u32 = 0x0FFF_FFFF;

impl<R: BufRead> Lz4Blocks<R> {
    pub(super) fn new(source: R) -> Self {
        Lz4Blocks {
            source: Kept::new(source),
            payload: Vec::new(),
            block: 0,
            signed: false,
        }
    }
}

impl<R: BufRead> NextBlock for Lz4Blocks<R> {
    type Source = R;

    fn source(&mut self) -> &mut Kept<R> {
        &mut self.source
    }

    fn next_block(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        loop {
            let signed = std::mem::take(&mut self.signed);
            if !signed && at_end(&mut self.source)? {
                return Ok(false);
            }
            self.block += 1;
            if !signed && read_array(&mut self.source)? != LZ4_SIGN {
                return Err(damaged(self.block, "no LZ4 block begins here"));
            }
            let [token] = read_array(&mut self.source)?;
            let compressed_len = u32::from_le_bytes(read_array(&mut self.source)?) as usize;
            let plain_len = u32::from_le_bytes(read_array(&mut self.source)?) as usize;
            let hash = u32::from_le_bytes(read_array(&mut self.source)?);
            // The token's lower half says how large a block of this stream is at most.
            let most = (1 << (10 + u32::from(token & 0x0F))).min(BLOCK_MAX);
            if compressed_len > most || plain_len > most {
                return Err(damaged(
                    self.block,
                    "an LZ4 block larger than its stream allows, or than 32 MiB",
                ));
            }
            if plain_len == 0 {
                // The end mark of one stream; Spark's reader goes on with a stream appended to it.
                continue;
            }
            read_payload(&mut self.source, &mut self.payload, compressed_len)?;
            match token & 0xF0 {
                0x10 if compressed_len == plain_len => out.extend_from_slice(&self.payload),
                0x20 => {
                    out.resize(plain_len, 0);
                    let n = lz4_flex::block::decompress_into(&self.payload, out)
                        .map_err(|_| damaged(self.block, "damaged LZ4 data"))?;
                    if n != plain_len {
                        return Err(damaged(self.block, "damaged LZ4 data"));
                    }
                }
                _ => return Err(damaged(self.block, "an unknown LZ4 method")),
            }
            if twox_hash::XxHash32::oneshot(LZ4_SEED, out) & LZ4_HASH_MASK != hash {
                out.clear();
                return Err(damaged(self.block, "the LZ4 checksum does not fit"));
            }
            return Ok(true);
        }
    }

    fn resume(&mut self) -> io::Result<bool> {
        self.signed = skip_past(self.source.rest(), &LZ4_SIGN)?;
        Ok(self.signed)
    }
}

/// snappy-java's `SnappyOutputStream`: a 16-byte header, then big-endian lengths each followed by one raw snappy block.
pub(super) struct SnappyChunks<R> {
    source: Kept<R>,
    payload: Vec<u8>,
    block: u64,
    /// The chunk was read to its end: the next one follows, whatever is wrong with this.
    whole: bool,
}

const SNAPPY_SIGN: [u8; 8] = *b"\x82SNAPPY\0";

impl<R: BufRead> SnappyChunks<R> {
    pub(super) fn new(source: R) -> Self {
        SnappyChunks {
            source: Kept::new(source),
            payload: Vec::new(),
            block: 0,
            whole: false,
        }
    }
}

impl<R: BufRead> NextBlock for SnappyChunks<R> {
    type Source = R;

    fn source(&mut self) -> &mut Kept<R> {
        &mut self.source
    }

    fn next_block(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        loop {
            if at_end(&mut self.source)? {
                return Ok(false);
            }
            self.block += 1;
            self.whole = false;
            let word: [u8; 4] = read_array(&mut self.source)?;
            if SNAPPY_SIGN.starts_with(&word) {
                // A header: at the start, and again wherever another stream was appended.
                let rest: [u8; 12] = read_array(&mut self.source)?;
                if !rest.starts_with(b"PPY\0") {
                    return Err(damaged(self.block, "a damaged snappy header"));
                }
                continue;
            }
            let compressed_len = u32::from_be_bytes(word) as usize;
            if compressed_len > BLOCK_MAX {
                return Err(damaged(self.block, "a snappy block of more than 32 MiB"));
            }
            read_payload(&mut self.source, &mut self.payload, compressed_len)?;
            self.whole = true;
            let plain_len =
                snap::raw::decompress_len(&self.payload).map_err(|_| damaged(self.block, "damaged snappy data"))?;
            if plain_len > BLOCK_MAX {
                return Err(damaged(self.block, "a snappy block of more than 32 MiB"));
            }
            out.resize(plain_len, 0);
            snap::raw::Decoder::new()
                .decompress(&self.payload, out)
                .map_err(|_| damaged(self.block, "damaged snappy data"))?;
            return Ok(true);
        }
    }

    fn resume(&mut self) -> io::Result<bool> {
        Ok(self.whole)
    }
}

/// compress-lzf's chunks: `ZV`, a kind, big-endian lengths of two bytes, at most 64 KiB each.
pub(super) struct LzfChunks<R> {
    source: Kept<R>,
    payload: Vec<u8>,
    block: u64,
    /// The next chunk's sign was read already.
    signed: bool,
}

const LZF_SIGN: [u8; 2] = *b"ZV";

impl<R: BufRead> LzfChunks<R> {
    pub(super) fn new(source: R) -> Self {
        LzfChunks {
            source: Kept::new(source),
            payload: Vec::new(),
            block: 0,
            signed: false,
        }
    }
}

impl<R: BufRead> NextBlock for LzfChunks<R> {
    type Source = R;

    fn source(&mut self) -> &mut Kept<R> {
        &mut self.source
    }

    fn next_block(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        let signed = std::mem::take(&mut self.signed);
        if !signed && at_end(&mut self.source)? {
            return Ok(false);
        }
        self.block += 1;
        let begins = signed || read_array(&mut self.source)? == LZF_SIGN;
        let [kind] = read_array(&mut self.source)?;
        if !begins || kind > 1 {
            return Err(damaged(self.block, "no LZF chunk begins here"));
        }
        let len = u16::from_be_bytes(read_array(&mut self.source)?) as usize;
        if kind == 0 {
            read_payload(&mut self.source, &mut self.payload, len)?;
            out.extend_from_slice(&self.payload);
        } else {
            let plain_len = u16::from_be_bytes(read_array(&mut self.source)?) as usize;
            read_payload(&mut self.source, &mut self.payload, len)?;
            if lzf(&self.payload, out).is_none() || out.len() != plain_len {
                return Err(damaged(self.block, "damaged LZF data"));
            }
        }
        Ok(true)
    }

    fn resume(&mut self) -> io::Result<bool> {
        self.signed = skip_past(self.source.rest(), &LZF_SIGN)?;
        Ok(self.signed)
    }
}

/// Undoes one LZF chunk; `None` where it points outside itself.
fn lzf(mut input: &[u8], out: &mut Vec<u8>) -> Option<()> {
    while let Some((&control, rest)) = input.split_first() {
        input = rest;
        if control < 32 {
            let (literal, rest) = input.split_at_checked(control as usize + 1)?;
            out.extend_from_slice(literal);
            input = rest;
            continue;
        }
        let mut len = (control >> 5) as usize;
        if len == 7 {
            let (&more, rest) = input.split_first()?;
            len += more as usize;
            input = rest;
        }
        let (&low, rest) = input.split_first()?;
        input = rest;
        let back = ((control as usize & 31) << 8 | low as usize) + 1;
        let from = out.len().checked_sub(back)?;
        // Byte by byte: the copy may run into what it has just written.
        for i in from..from + len + 2 {
            out.push(*out.get(i)?);
        }
        if out.len() > BLOCK_MAX {
            return None;
        }
    }
    Some(())
}
