"use strict";

// Exchanges a token for a session; the cookie holds no token
document.getElementById("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  const trouble = document.getElementById("trouble");
  try {
    const answer = await fetch("api/login", {
      method: "POST",
      headers: {"Content-Type": "application/json"},
      body: JSON.stringify({token: document.getElementById("token").value}),
    });
    if (answer.ok) location.replace("./" + location.search);
    else trouble.textContent = (await answer.json()).error;
  } catch (error) {
    trouble.textContent = `The collector does not answer (${error.message}).`;
  }
});
