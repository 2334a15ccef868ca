//! Files made to do harm end their upload with a reason, and the next file is read by the same workers.

use super::jobs_ground::{Ask, Ground, Line, xlsx};
use jobs::queue::admin::JobState;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;

fn zip(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A workbook of one sheet of that markup.
fn workbook(sheet: &str) -> Vec<u8> {
    let types = "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
        <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
        <Override PartName=\"/xl/workbook.xml\" \
          ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/></Types>";
    let related = |kind: &str, target: &str| {
        format!(
            "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
             <Relationship Id=\"r1\" Target=\"{target}\" \
               Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}\"/></Relationships>"
        )
    };
    let book = "<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" \
        xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\">\
        <sheets><sheet name=\"A\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>";
    zip(&[
        ("[Content_Types].xml", types.into()),
        ("_rels/.rels", related("officeDocument", "xl/workbook.xml").into()),
        ("xl/workbook.xml", book.into()),
        ("xl/_rels/workbook.xml.rels", related("worksheet", "worksheets/sheet1.xml").into()),
        ("xl/worksheets/sheet1.xml", sheet.into()),
    ])
}

fn sheet(rows: &str) -> Vec<u8> {
    workbook(&format!(
        "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>{rows}</sheetData>\
         </worksheet>"
    ))
}

fn texts(values: &[&str]) -> String {
    let cells: String = values.iter().map(|value| format!("<c t=\"inlineStr\"><is><t>{value}</t></is></c>")).collect();
    format!("<row>{cells}</row>")
}

#[tokio::test]
async fn hostile_files_are_refused_with_a_reason_and_the_next_good_file_passes() {
    let ground = Ground::new().await;
    let good = xlsx(&(0..50).map(|n| Line::new(n, ground.in_days(20))).collect::<Vec<_>>());
    let mut program = b"MZ\x90\0".to_vec();
    program.resize(5000, 0);
    let laughs = "<!DOCTYPE lolz [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;\">]><worksheet><sheetData/></worksheet>";
    let locked = zip(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet".to_vec()),
        ("META-INF/manifest.xml", b"<manifest:encryption-data/>".to_vec()),
        ("content.xml", vec![0, 1]),
    ]);
    let wide: String = (0..16_384).map(|_| "<c><v>1</v></c>").collect();
    // every cell a formula whose result the file does not hold
    let formulas = format!(
        "{}<row>{}</row>",
        texts(&super::jobs_ground::HEADERS),
        "<c><f>WEBSERVICE(\"http://example.com/\")</f></c>".repeat(7)
    );
    let hostile = [
        ("bomb.xlsx", sheet(&format!("<row/>{}", " ".repeat(1000)).repeat(40 << 10)), "decompression_bomb"),
        ("cut.xlsx", good[..good.len() / 2].to_vec(), "damaged_file"),
        ("laughs.xlsx", workbook(laughs), "forbidden_xml"),
        ("wide.xlsx", sheet(&format!("<row>{wide}</row>")), "too_many_columns"),
        ("formulas.xlsx", sheet(&formulas), "no_good_row"),
        ("locked.ods", locked, "password_protected"),
        ("program.xlsx", program, "not_a_workbook"),
        ("empty.xlsx", Vec::new(), "not_a_workbook"),
        ("nothing.zip", zip(&[("a.txt", b"x".to_vec())]), "not_a_workbook"),
    ];
    let mut submitted = Vec::new();
    for (name, bytes, code) in &hostile {
        submitted.push((ground.submit(name, bytes, Ask::default()).await, *name, *code));
    }
    ground.settle().await;
    for (upload, name, code) in submitted {
        let upload = ground.upload(upload).await;
        let details = upload.error_details.unwrap_or_default();
        assert_eq!((upload.status.as_str(), details["code"].as_str()), ("failed", Some(code)), "{name} {details}");
        let message = details["message"].as_str().unwrap();
        assert!(!message.is_empty() && !message.contains('\n'), "{name}: {message}");
        let job = ground.job(upload.job_id.unwrap()).await;
        assert_eq!(job.attempt, 1, "{name} is not tried again");
        // a file that was read to its end was a job done; the others' error is the reason itself
        let expected = if code == "no_good_row" { JobState::Succeeded } else { JobState::Discarded };
        assert_eq!(job.state, expected, "{name}");
        assert!(code == "no_good_row" || upload.job_error.is_some_and(|error| error.contains(message)), "{name}");
    }
    assert_eq!(ground.book().await, (0, 0, 0));
    let upload = ground.process("good.xlsx", &good, Ask::default()).await;
    assert_eq!((upload.status.as_str(), upload.created_records), ("completed", 50));
}

#[tokio::test]
async fn a_file_that_is_gone_from_storage_is_told() {
    let mut ground = Ground::without_workers().await;
    let upload = ground.submit("gone.xlsx", &xlsx(&[Line::new(1, ground.in_days(20))]), Ask::default()).await;
    let key = ground.upload(upload).await.upload_path.unwrap();
    ground.services.storage.delete(&key).await.unwrap();
    ground.start_workers();
    ground.settle().await;
    let upload = ground.upload(upload).await;
    assert_eq!((upload.status.as_str(), &upload.error_details.unwrap()["code"]), ("failed", &"file_missing".into()));
}
