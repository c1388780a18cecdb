/** The viewer page: sign in if the link says so, join, show. */

import { type Client, connect } from "@sdk";
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { cards } from "../cards/registry";
import { Banner } from "../shared/banner";
import { keepResume, keptName, keptResume } from "../shared/keep";
import { useRoom } from "../shared/room";
import { roomOfPage, signIn, signOut } from "../shared/session";
import { strings } from "../shared/strings";
import "../shared/base.css";
import "./viewer.css";
import { Composer } from "./composer";
import { Stage } from "./stage";
import { Stream } from "./stream";

function Viewer({ client }: { client: Client }) {
  const { state, status } = useRoom(client);
  const title = state.show?.title || state.title;
  useEffect(() => {
    if (title) document.title = title;
  }, [title]);
  return (
    <main class="viewer" aria-busy={!state.epoch}>
      {state.rehearsal && <p class="watermark" role="note">{strings.rehearsal}</p>}
      <Stage client={client} state={state} />
      <section class="side">
        <Banner client={client} status={status} />
        <div class="cards">
          {cards.map(({ id, viewer: Card }) => Card && <Card key={id} client={client} state={state} />)}
        </div>
        {state.epoch ? <Stream client={client} state={state} /> : <p class="stream empty">{strings.loading}</p>}
        <Composer client={client} state={state} />
      </section>
    </main>
  );
}

async function start(): Promise<void> {
  const room = roomOfPage();
  const session = await signIn(room);
  const client = connect({
    url: `${location.origin}/v1/ws`,
    room,
    name: keptName(),
    ...(session.kind === "token" ? { token: session.token } : { resume: keptResume(room) }),
  });
  client.on("joined", ({ me, resume }) => me.role === "anonymous" && keepResume(room, resume));
  client.on("status", (status) => status.kind === "closed" && status.code.startsWith("token_") && signOut(room));
  render(<Viewer client={client} />, document.getElementById("page") as HTMLElement);
}

void start();
