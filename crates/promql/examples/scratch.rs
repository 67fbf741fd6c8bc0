fn main(){
 let p="/work/shared/corpora/promql/";
 let j:serde_json::Value=serde_json::from_str(&std::fs::read_to_string(format!("{p}parse.json")).unwrap()).unwrap();
 for c in j.as_array().unwrap(){ let Some(i)=c["input"].as_str() else {println!("NOINPUT {}",c); continue}; let f=c["fail"].as_bool().unwrap();
  let r=std::panic::catch_unwind(||promql_parser::parser::parse(i));
  match r { Err(_)=>println!("PANIC {i:?}"), Ok(r)=> if r.is_ok()==f { println!("{} {i:?} -- {}", if f {"ACCEPTS"} else {"REFUSES"}, r.err().map(|e|e.to_string()).unwrap_or_default()) } }
 }
 for d in std::fs::read_dir(format!("{p}promqltest")).unwrap(){ let d=d.unwrap().path(); if d.extension().map(|e|e!="test").unwrap_or(true){continue}
  for l in std::fs::read_to_string(&d).unwrap().lines(){ let q= if let Some(r)=l.strip_prefix("eval instant at "){ r.split_once(' ').map(|x|x.1)} else if l.starts_with("eval range"){ l.split_once(" step ").and_then(|x|x.1.split_once(' ')).map(|x|x.1)} else {None};
   if let Some(q)=q { if let Err(e)=promql_parser::parser::parse(q.trim()){ println!("TEST {:?} {q:?} -- {}",d.file_name().unwrap(), e.to_string().replace('\n'," ")) } } } }
}
