//! Pictures made to fit what a network takes: the same bytes in give the same bytes out.
//!
//! A picture that fits already stays as it is, byte for byte. Else it is made smaller, turned upright and encoded again,
//! without the notes of a camera. Bounds are checked on the head of the file, before anything is unpacked.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Limits, RgbImage};
use std::io::Cursor;

/// Most bytes of a file that is looked at.
pub const FILE_MAX: usize = 32 * 1024 * 1024;
/// Most pixels, and most of one side, that are unpacked.
const PIXELS_MAX: u64 = 64_000_000;
const SIDE_MAX: u32 = 30_000;
/// Most memory that a decoder may take, in bytes.
const MEMORY_MAX: u64 = 400 * 1024 * 1024;
/// Qualities of JPEG that are tried before a picture is made smaller.
const QUALITIES: [u8; 4] = [88, 80, 72, 64];
/// The shorter a side may get.
const SIDE_MIN: u32 = 64;

/// What a network takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Most bytes.
    pub bytes_max: usize,
    /// Most pixels of the longer side.
    pub side_max: u32,
}

/// A picture that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// `image/jpeg` or `image/png`.
    pub media_type: &'static str,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

/// Makes a picture fit. Of a moving one, the first picture.
///
/// Errors, for the person who chose the picture: it is too large, damaged, or of a kind that networks do not take.
pub fn fit(bytes: &[u8], bounds: Bounds) -> Result<Picture, String> {
    if bytes.len() > FILE_MAX {
        return Err(format!("it has over {} MB; save a smaller copy", FILE_MAX / (1024 * 1024)));
    }
    let format = match image::guess_format(bytes) {
        Ok(format @ (ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::Gif | ImageFormat::WebP)) => format,
        _ => return Err("it is neither JPEG, PNG, GIF nor WebP; save it as one of them".to_owned()),
    };
    let unreadable = |error: image::ImageError| format!("it cannot be read ({error}); save it again");
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(MEMORY_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(unreadable)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > PIXELS_MAX {
        return Err(format!("it has {width} × {height} pixels; save a smaller copy"));
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let is_plain = orientation == Orientation::NoTransforms;
    if is_plain && bytes.len() <= bounds.bytes_max && width.max(height) <= bounds.side_max {
        let media_type = match format {
            ImageFormat::Jpeg => Some("image/jpeg"),
            ImageFormat::Png => Some("image/png"),
            _ => None,
        };
        if let Some(media_type) = media_type {
            // The head promised a picture; whether there is one shows only when it is unpacked.
            DynamicImage::from_decoder(decoder).map_err(unreadable)?;
            return Ok(Picture { bytes: bytes.to_vec(), media_type, width, height });
        }
    }
    let profile = decoder.icc_profile().ok().flatten().filter(|profile| profile.get(16..20) == Some(b"RGB "));
    let mut picture = DynamicImage::from_decoder(decoder).map_err(unreadable)?;
    picture.apply_orientation(orientation);
    encode(picture, format, profile, bounds)
}

/// Looks at a picture that goes out as it is, from its own address: it cannot be made to fit.
///
/// Errors, for the person who chose the picture: it is too large, damaged, or of a kind that networks do not take.
pub fn as_it_is(bytes: &[u8], bytes_max: usize) -> Result<Picture, String> {
    let bounds = Bounds { bytes_max: FILE_MAX, side_max: SIDE_MAX };
    let format = image::guess_format(bytes).ok();
    if !matches!(format, Some(ImageFormat::Jpeg | ImageFormat::Png)) {
        return Err(
            "it is neither JPEG nor PNG, and the network fetches it as it is; save it as one of them".to_owned()
        );
    }
    if bytes.len() > bytes_max {
        let (has, most) = (bytes.len(), bytes_max);
        return Err(format!(
            "it has {has} bytes where the network takes {most}, and fetches it as it is; save a smaller copy"
        ));
    }
    let seen = fit(bytes, bounds)?;
    let media_type = if format == Some(ImageFormat::Png) { "image/png" } else { "image/jpeg" };
    Ok(Picture { bytes: bytes.to_vec(), media_type, ..seen })
}

/// The largest and best form that fits.
fn encode(
    picture: DynamicImage,
    from: ImageFormat,
    profile: Option<Vec<u8>>,
    bounds: Bounds,
) -> Result<Picture, String> {
    let drawn = matches!(from, ImageFormat::Png | ImageFormat::Gif) || picture.color().has_alpha();
    let mut side = bounds.side_max.min(picture.width().max(picture.height()));
    while side >= SIDE_MIN {
        let sized = if side < picture.width().max(picture.height()) {
            picture.resize(side, side, FilterType::CatmullRom)
        } else {
            picture.clone()
        };
        let (width, height) = (sized.width(), sized.height());
        let fits = |bytes: Vec<u8>, media_type| {
            (bytes.len() <= bounds.bytes_max).then_some(Picture { bytes, media_type, width, height })
        };
        // What is drawn has sharp edges and few colours, or holes.
        if drawn && let Some(picture) = fits(png(&sized, profile.as_deref())?, "image/png") {
            return Ok(picture);
        }
        let flat = on_white(&sized);
        for quality in QUALITIES {
            if let Some(picture) = fits(jpeg(&flat, quality, profile.as_deref())?, "image/jpeg") {
                return Ok(picture);
            }
        }
        side = side / 5 * 4;
    }
    Err(format!("it cannot be made to fit in {} bytes", bounds.bytes_max))
}

fn png(picture: &DynamicImage, profile: Option<&[u8]>) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new(&mut bytes);
    keep(&mut encoder, profile);
    let (width, height) = (picture.width(), picture.height());
    let written = if picture.color().has_alpha() {
        encoder.write_image(&picture.to_rgba8(), width, height, ExtendedColorType::Rgba8)
    } else {
        encoder.write_image(&picture.to_rgb8(), width, height, ExtendedColorType::Rgb8)
    };
    written.map_err(|error| format!("it cannot be written as PNG: {error}"))?;
    Ok(bytes)
}

fn jpeg(picture: &RgbImage, quality: u8, profile: Option<&[u8]>) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    keep(&mut encoder, profile);
    let (width, height) = picture.dimensions();
    let written = encoder.write_image(picture, width, height, ExtendedColorType::Rgb8);
    written.map_err(|error| format!("it cannot be written as JPEG: {error}"))?;
    Ok(bytes)
}

/// A colour profile that cannot be kept costs some colour, and nothing else.
fn keep(encoder: &mut impl ImageEncoder, profile: Option<&[u8]>) {
    if let Some(profile) = profile {
        let _ = encoder.set_icc_profile(profile.to_vec());
    }
}

/// Without holes: JPEG has none.
fn on_white(picture: &DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.to_rgb8();
    }
    let picture = picture.to_rgba8();
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [r, g, b, alpha] = picture.get_pixel(x, y).0;
        let over = |colour: u8| {
            let mixed = u16::from(colour) * u16::from(alpha) + 255 * (255 - u16::from(alpha));
            u8::try_from((mixed + 127) / 255).unwrap_or(u8::MAX)
        };
        image::Rgb([over(r), over(g), over(b)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of noise, which no encoder makes small.
    fn noise(width: u32, height: u32) -> DynamicImage {
        let mut state = 7_u32;
        DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            image::Rgb([(state >> 24) as u8, (state >> 16) as u8, (state >> 8) as u8])
        }))
    }

    fn file(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    const BOUNDS: Bounds = Bounds { bytes_max: 100_000, side_max: 600 };

    #[test]
    fn what_fits_stays_as_it_is() {
        let bytes = file(&noise(60, 40), ImageFormat::Png);
        let fitted = fit(&bytes, BOUNDS).unwrap();
        assert_eq!((fitted.bytes, fitted.media_type, fitted.width, fitted.height), (bytes, "image/png", 60, 40));
    }

    #[test]
    fn what_is_too_large_is_made_to_fit_and_always_alike() {
        let bytes = file(&noise(900, 600), ImageFormat::Png);
        assert!(bytes.len() > 1_000_000);
        let fitted = fit(&bytes, BOUNDS).unwrap();
        assert!(fitted.bytes.len() <= BOUNDS.bytes_max);
        assert_eq!(fitted.media_type, "image/jpeg");
        assert!(fitted.width <= 600 && fitted.width * 2 / 3 == fitted.height, "{} {}", fitted.width, fitted.height);
        assert_eq!(fit(&bytes, BOUNDS).unwrap(), fitted);
        let read = image::load_from_memory(&fitted.bytes).unwrap();
        assert_eq!((read.width(), read.height()), (fitted.width, fitted.height));
    }

    #[test]
    fn a_gif_becomes_a_still_picture_and_holes_stay_in_what_is_drawn() {
        let drawn = DynamicImage::ImageRgba8(image::RgbaImage::from_pixel(800, 100, image::Rgba([0, 0, 145, 0])));
        let gif = fit(&file(&drawn, ImageFormat::Gif), BOUNDS).unwrap();
        assert_eq!((gif.media_type, gif.width), ("image/png", 600));
        assert!(image::load_from_memory(&gif.bytes).unwrap().color().has_alpha());
        assert_eq!(on_white(&drawn).get_pixel(0, 0).0, [255, 255, 255]);
    }

    #[test]
    fn what_goes_out_as_it_is_must_be_taken_as_it_is() {
        let bytes = file(&noise(60, 40), ImageFormat::Png);
        let seen = as_it_is(&bytes, 100_000).unwrap();
        assert_eq!((seen.bytes, seen.media_type, seen.width, seen.height), (bytes.clone(), "image/png", 60, 40));
        assert!(as_it_is(&bytes, 100).unwrap_err().contains("smaller copy"));
        assert!(
            as_it_is(&file(&noise(60, 40), ImageFormat::Gif), 100_000).unwrap_err().contains("neither JPEG nor PNG")
        );
        assert!(as_it_is(&bytes[..1000], 100_000).unwrap_err().contains("cannot be read"));
    }

    #[test]
    fn what_is_no_picture_is_refused_in_words() {
        for (bytes, says) in [
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(), "neither JPEG"),
            (b"\x89PNG\r\n\x1a\n".to_vec(), "cannot be read"),
            (file(&noise(60, 40), ImageFormat::Png)[..1000].to_vec(), "cannot be read"),
        ] {
            assert!(fit(&bytes, BOUNDS).unwrap_err().contains(says));
        }
        // A head that promises more pixels than anyone has memory for.
        let mut bomb = file(&noise(60, 40), ImageFormat::Png);
        bomb[16..24].copy_from_slice(&[0, 0, 0x70, 0, 0, 0, 0x70, 0]);
        assert!(fit(&bomb, BOUNDS).is_err());
    }
}
