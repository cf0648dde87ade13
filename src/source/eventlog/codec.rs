//! The codecs an event log is written with: recognised by their first bytes (the name is only a fallback) and undone as a stream.
//! Called by the pipeline; knows nothing of lines or events. An end inside a frame or block is `UnexpectedEof`, damage is `InvalidData`:
//! everything decoded before either was already handed out.

use std::io::{self, BufRead, ErrorKind, Read};

use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

use super::blocks::{Blocks, Lz4Blocks, LzfChunks, SnappyChunks};

/// The largest zstd window accepted: 2^27 = 128 MiB (Spark writes 512 KiB; `zstd --long=31` would ask for 2 GiB of memory).
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// How an event log's bytes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// JSON lines as they are.
    Plain,
    /// Concatenated standard zstd frames without content size.
    Zstd,
    /// gzip members, as some platforms rewrite old logs.
    Gzip,
    /// The block stream of the lz4-java library (not the LZ4 frame format).
    Lz4,
    /// The chunk stream of the snappy-java library (not the snappy frame format).
    Snappy,
    /// The chunk stream of the compress-lzf library.
    Lzf,
    /// A zip archive of logs, as the history server's `logs` endpoint sends.
    Zip,
}

impl Codec {
    /// The codec that the first bytes of a file belong to; `None` where they are too few or of no known form.
    pub fn of_bytes(head: &[u8]) -> Option<Codec> {
        const SIGNS: [(&[u8], Codec); 9] = [
            (&[0x28, 0xB5, 0x2F, 0xFD], Codec::Zstd),
            (&[0x1F, 0x8B], Codec::Gzip),
            (b"LZ4Block", Codec::Lz4),
            (b"\x82SNAPPY\0", Codec::Snappy),
            (b"ZV\x00", Codec::Lzf),
            (b"ZV\x01", Codec::Lzf),
            (b"PK\x03\x04", Codec::Zip),
            (b"PK\x05\x06", Codec::Zip),
            (&[0xEF, 0xBB, 0xBF], Codec::Plain),
        ];
        if let Some((_, codec)) = SIGNS.iter().find(|(sign, _)| head.starts_with(sign)) {
            return Some(*codec);
        }
        // zstd's skippable frames: 0x184D2A50 to 0x184D2A5F, little endian.
        if let [a, 0x2A, 0x4D, 0x18, ..] = head
            && a & 0xF0 == 0x50
        {
            return Some(Codec::Zstd);
        }
        let first = head.iter().find(|b| !b.is_ascii_whitespace())?;
        (*first == b'{').then_some(Codec::Plain)
    }

    /// The codec a file's name says: the last dotted part once `.compact` and `.inprogress` are taken off.
    /// Source: Spark's `EventLogFileWriter.codecName`.
    pub fn of_name(name: &str) -> Option<Codec> {
        let name = name.strip_suffix(".inprogress").unwrap_or(name);
        let name = name.strip_suffix(".compact").unwrap_or(name);
        match name.rsplit_once('.')?.1 {
            "zstd" | "zst" => Some(Codec::Zstd),
            "gz" | "gzip" => Some(Codec::Gzip),
            "lz4" => Some(Codec::Lz4),
            "snappy" => Some(Codec::Snappy),
            "lzf" => Some(Codec::Lzf),
            "zip" => Some(Codec::Zip),
            _ => None,
        }
    }
}

/// The plain bytes of a log, and the way on where they are damaged.
pub trait Plain: Read {
    /// After `InvalidData`: goes to where the stream can be taken up again, which is never where it broke. `false`: nowhere.
    fn resume(&mut self) -> io::Result<bool> {
        Ok(false)
    }
}

/// A reader of the plain bytes behind `source`. For `Codec::Zip` see the archive module: here it is refused.
pub fn decode<'a>(codec: Codec, source: impl BufRead + 'a) -> io::Result<Box<dyn Plain + 'a>> {
    Ok(match codec {
        Codec::Plain => Box::new(AsItIs(source)),
        Codec::Zstd => Box::new(Frames::new(source)?),
        Codec::Gzip => Box::new(Gzip(flate2::bufread::MultiGzDecoder::new(source))),
        Codec::Lz4 => Box::new(Blocks::new(Lz4Blocks::new(source))),
        Codec::Snappy => Box::new(Blocks::new(SnappyChunks::new(source))),
        Codec::Lzf => Box::new(Blocks::new(LzfChunks::new(source))),
        Codec::Zip => return Err(io::Error::new(ErrorKind::Unsupported, "a zip inside a log")),
    })
}

struct AsItIs<R>(R);

impl<R: Read> Read for AsItIs<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl<R: Read> Plain for AsItIs<R> {}

struct Gzip<R>(R);

impl<R: Read> Read for Gzip<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf).map_err(|error| match error.kind() {
            ErrorKind::InvalidInput | ErrorKind::InvalidData => {
                io::Error::new(ErrorKind::InvalidData, format!("damaged gzip data ({error})"))
            }
            _ => error,
        })
    }
}

impl<R: Read> Plain for Gzip<R> {}

/// What a zstd frame begins with.
const ZSTD_SIGN: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// zstd, frame after frame. A damaged frame is left for the next one, which Spark begins whenever it flushes.
struct Frames<R> {
    source: R,
    decoder: Decoder<'static>,
    /// Bytes that the decoder asks for next; 0 between two frames. It gets no more at once, so that damage is found where it is.
    wanted: usize,
    /// The next frame's sign was read already.
    signed: bool,
}

impl<R: BufRead> Frames<R> {
    fn new(source: R) -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX))?;
        Ok(Frames {
            source,
            decoder,
            wanted: 0,
            signed: false,
        })
    }

    /// Lets the decoder take a step; gives what it wrote.
    fn step(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut out = OutBuffer::around(buf);
        if std::mem::take(&mut self.signed) {
            let done = self.decoder.run(&mut InBuffer::around(&ZSTD_SIGN), &mut out);
            self.wanted = done.map_err(|error| damaged(&error))?;
            return Ok(out.pos());
        }
        let input = self.source.fill_buf()?;
        if input.is_empty() && self.wanted == 0 {
            return Ok(0);
        }
        let most = input.len().min(self.wanted.max(1));
        let mut given = InBuffer::around(input.get(..most).unwrap_or_default());
        let done = self.decoder.run(&mut given, &mut out);
        let (taken, written) = (given.pos(), out.pos());
        self.source.consume(taken);
        self.wanted = done.map_err(|error| damaged(&error))?;
        if most == 0 && written == 0 {
            // The frame is open and the log has ended.
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(written)
    }
}

fn damaged(error: &io::Error) -> io::Error {
    let why = error.to_string();
    let why = if why.contains("requires too much memory") {
        "a zstd window above 128 MiB (written with --long)".to_owned()
    } else {
        format!("damaged zstd data ({why})")
    };
    io::Error::new(ErrorKind::InvalidData, why)
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            let begins = self.signed || self.wanted > 0;
            match self.step(buf) {
                Ok(0) if begins || self.wanted > 0 => {}
                Ok(0) if !self.source.fill_buf()?.is_empty() => {}
                Ok(written) => return Ok(written),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl<R: BufRead> Plain for Frames<R> {
    fn resume(&mut self) -> io::Result<bool> {
        self.decoder.reinit()?;
        self.wanted = 0;
        // Not the sign that the decoder stopped at, if it is one.
        self.source.fill_buf()?;
        self.source.consume(1);
        self.signed = skip_past(&mut self.source, &ZSTD_SIGN)?;
        Ok(self.signed)
    }
}

/// Goes to just behind the next `sign`, whose first byte must not come again in it; `false`: there is none.
pub(super) fn skip_past(source: &mut impl BufRead, sign: &[u8]) -> io::Result<bool> {
    let mut matched = 0;
    loop {
        let bytes = match source.fill_buf() {
            Ok([]) => return Ok(false),
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let found = bytes.iter().position(|byte| {
            matched = match *byte {
                byte if sign.get(matched) == Some(&byte) => matched + 1,
                byte => usize::from(sign.first() == Some(&byte)),
            };
            matched == sign.len()
        });
        let length = bytes.len();
        source.consume(found.map_or(length, |at| at + 1));
        if found.is_some() {
            return Ok(true);
        }
    }
}
