//! The codecs an event log is written with: recognised by their first bytes (the name is only a fallback) and undone as a stream.
//! Called by the pipeline; knows nothing of lines or events. An end inside a frame or block is `UnexpectedEof`, damage is `InvalidData`:
//! everything decoded before either was already handed out.

use std::io::{self, BufRead, Read};

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

    /// What a person calls it.
    pub fn label(self) -> &'static str {
        match self {
            Codec::Plain => "plain",
            Codec::Zstd => "zstd",
            Codec::Gzip => "gzip",
            Codec::Lz4 => "lz4",
            Codec::Snappy => "snappy",
            Codec::Lzf => "lzf",
            Codec::Zip => "zip",
        }
    }
}

/// A reader of the plain bytes behind `source`. For `Codec::Zip` see the archive module: here it is refused.
pub fn decode<'a>(codec: Codec, source: impl BufRead + 'a) -> io::Result<Box<dyn Read + 'a>> {
    Ok(match codec {
        Codec::Plain => Box::new(source),
        Codec::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(source)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
            Box::new(Named { codec, inner: decoder })
        }
        Codec::Gzip => Box::new(Named {
            codec,
            inner: flate2::bufread::MultiGzDecoder::new(source),
        }),
        Codec::Lz4 => Box::new(Blocks::new(Lz4Blocks::new(source))),
        Codec::Snappy => Box::new(Blocks::new(SnappyChunks::new(source))),
        Codec::Lzf => Box::new(Blocks::new(LzfChunks::new(source))),
        Codec::Zip => return Err(io::Error::new(io::ErrorKind::Unsupported, "a zip inside a log")),
    })
}

/// Puts the library decoders' errors into our two kinds: cut short, or damaged.
struct Named<R> {
    codec: Codec,
    inner: R,
}

impl<R: Read> Read for Named<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buf).map_err(|e| match e.kind() {
            // Would block: the log is still written, and followed.
            io::ErrorKind::Interrupted | io::ErrorKind::UnexpectedEof | io::ErrorKind::WouldBlock => e,
            _ => {
                let why = e.to_string();
                let why = if why.contains("requires too much memory") {
                    format!("a {} window above 128 MiB (written with --long)", self.codec.label())
                } else {
                    format!("damaged {} data ({why})", self.codec.label())
                };
                io::Error::new(io::ErrorKind::InvalidData, why)
            }
        })
    }
}
